"""Paths of params.yaml lie in the project, also for a copy that DVC runs elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codetune.core.errors import UserError
from codetune.core.paths import project_path
from tests.conftest import ROOT, run_python
from tests.support.sample_project import commit, git


def test_a_copy_takes_what_it_lacks_from_the_project(tmp_path, monkeypatch):
    project, copy = tmp_path / "project", tmp_path / "project/.dvc/tmp/exps/tmp1/sub"
    copy.mkdir(parents=True)
    for name in ("beside.csv", "project/unknown.csv", "project/own.csv", "project/.dvc/tmp/exps/tmp1/sub/own.csv"):
        (tmp_path / name).touch()
    monkeypatch.chdir(copy)
    assert project_path("../beside.csv") == project / "../beside.csv"
    assert project_path("unknown.csv") == project / "unknown.csv"
    assert project_path("own.csv") == Path("own.csv")
    assert project_path("gone.csv") == Path("gone.csv")
    assert project_path(str(tmp_path / "gone.csv")) == tmp_path / "gone.csv"
    monkeypatch.chdir(project)
    assert project_path("../gone.csv") == Path("../gone.csv")


@pytest.mark.parametrize(("text", "reason"), [("x" * 300, "is too long"), ("a\0b", "contains a NUL character")])
@pytest.mark.parametrize("folder", ["", "/"])
def test_what_no_file_can_be_called_is_refused(folder, text, reason):
    with pytest.raises(UserError, match=reason) as found:
        project_path(folder + text)
    assert len(str(found.value)) < 200


@pytest.mark.slow
@pytest.mark.long  # `dvc exp run`
def test_an_experiment_that_runs_elsewhere_reads_a_table_beside_the_project(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "table.csv").write_text("instruction,output\nAdd one.,return x + 1\n")
    (root / "params.yaml").write_text(
        "ingest:\n  sources: [{type: stdlib, name: s}]\n  max_file_kb: 64\n  workers: 1\n"
    )
    (root / "dvc.yaml").write_text(
        f"stages:\n  ingest:\n    cmd: {sys.executable} -m stages ingest\n    params: [ingest]\n    outs: [data/raw]\n"
    )
    (root / ".gitignore").write_text("data\n")
    git(root, "init", "-q")
    dvc = (sys.executable, "-m", "dvc")
    subprocess.run([*dvc, "init", "-q"], cwd=root, check=True, capture_output=True)
    commit(root, "All", 1)
    source = "ingest.sources=[{type: table, name: alpaca, path: ../table.csv}]"
    done = run_python("-m", "dvc", "exp", "run", "--temp", "-S", source, cwd=root, check=False, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    assert "Ran experiment" in done.stdout + done.stderr
