"""`codetune serve` and `codetune chat` as a person types them, in a project with models."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from tests.conftest import ROOT, run_python

_SERVE = (
    "serve: {engine: torch, port: 0, slots: 1, context: 0, max_tokens: 8, revisions: [], prompt_lookup: false, "
    "allowed_hosts: [], allowed_origins: []}\n"
)
_NUMERICS = "numerics: {mode: portable, threads: 1}\n"


@pytest.fixture
def project(models, tmp_path):
    root = Path(shutil.copytree(models.root, tmp_path / "project"))
    text = (root / "params.yaml").read_text()
    (root / "params.yaml").write_text(
        text + ("" if "\nserve:" in text else _SERVE) + ("" if "numerics:" in text else _NUMERICS)
    )
    return root


def test_serve_answers_and_ends_on_ctrl_c(project):
    command = [sys.executable, "-m", "codetune", "serve", "--revision", "low", "--port", "0", "--engine", "torch"]
    with subprocess.Popen(
        command, cwd=project, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        assert "base (torch), tuned (torch), tuned@low (torch)" in line
        with openai.OpenAI(base_url=line.split(" at ")[1].split(". ")[0], api_key="none") as client:
            answer = client.chat.completions.create(
                model="tuned@low", messages=[{"role": "user", "content": "a"}], max_tokens=3
            )
        assert answer.usage.completion_tokens <= 3
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_chat_reads_lines(project):
    """In a process of its own, in which the numerics must be fixed before torch is imported.

    The model has a shorter context than `serve.context`, and uses its own.
    """
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("context: 0", "context: 4096"))
    done = run_python(
        "-m", "codetune", "chat", "base", "--engine", "torch", cwd=project, feed="a\n/quit\n", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tokens, first after" in done.stdout
    assert "base answers with torch" in done.stderr


def test_a_key_is_required_for_other_addresses(project, call):
    done = call("serve", "--host", "0.0.0.0", cwd=project)  # noqa: S104
    assert done.returncode == 2
    assert done.stderr.startswith("error: 0.0.0.0 can be reached")
    assert done.stderr.count("\n") == 1
