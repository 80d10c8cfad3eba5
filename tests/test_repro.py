"""What users do, whole: `dvc repro` on a slice in a clone, then the comparisons and an experiment."""

import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.models.gguf_files import make_gguf
from tests.support.slice_project import make_project, run, run_project, succeed, user_environment


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clone") / "project"
    make_project(folder)
    run_project(folder)
    return folder


def test_reports_hold_what_the_page_reads(clone):
    metrics = json.loads((clone / "reports/metrics.json").read_text())
    assert metrics["prompts"] == 4
    for variant in ("base", "tuned"):
        assert {"bertscore", "chrf", "bleu", "exact_match", "syntax_valid", "stopped"} <= set(metrics[variant])
        assert {"precision", "recall", "f1"} <= set(metrics[variant]["bertscore"])
    for gain in ("f1", "chrf", "syntax_valid"):
        interval = metrics["gain"][gain]
        assert interval["low"] <= interval["mean"] <= interval["high"]
    samples = [(clone / f"reports/samples/{name}.jsonl").read_text().splitlines() for name in ("base", "tuned")]
    assert [json.loads(line)["id"] for line in samples[0]] == [json.loads(line)["id"] for line in samples[1]]


def test_the_base_is_recorded_where_it_lies(clone):
    (record,) = (clone / "models/base").iterdir()
    found = json.loads(record.read_text())
    assert found["files"] == {"tiny.gguf": hashlib.sha256((clone / "tiny.gguf").read_bytes()).hexdigest()}
    assert json.loads((clone / "reports/training/summary.json").read_text())["base_dtype"] == "float32"


def adapted(folder: Path) -> set[str]:
    """The parts of a layer that have an adapter."""
    modules = json.loads((folder / "reports/training/summary.json").read_text())["trainable"]["modules"]
    return {name.split(".")[0] for name in modules}


def test_another_base_and_what_is_adapted_are_an_experiment(clone):
    make_gguf(clone / "other.gguf", "qwen2", shape={"max_position_embeddings": 2048})
    changes = "-S", "model.base=other.gguf", "-S", "train.lora.target_modules=mlp"
    succeed(clone, "dvc", "exp", "run", "-q", "-n", "other", *changes)
    assert json.loads((clone / "models/base/provenance.json").read_text())["name"] == "other.gguf"
    assert adapted(clone) == {"mlp"}
    differences = json.loads(succeed(clone, "dvc", "metrics", "diff", "--json"))
    assert "val.loss" in differences["reports/training/metrics.json"]
    (clone / "other.gguf").unlink()
    succeed(clone, "git", "checkout", "-q", ".")
    succeed(clone, "dvc", "checkout", "-q")
    succeed(clone, "dvc", "repro", "-q")  # the merged model is not cached: that of the experiment is replaced


def test_second_run_does_nothing(clone):
    assert "up to date" in succeed(clone, "dvc", "repro")
    assert succeed(clone, "git", "status", "--porcelain") == ""


def test_forced_run_reproduces_every_byte(clone):
    succeed(clone, "dvc", "repro", "-q", "--force")
    assert succeed(clone, "git", "status", "--porcelain") == ""


def test_bad_input_is_one_line_and_loses_nothing(clone):
    params = (clone / "params.yaml").read_text()
    adapter = (clone / "models/adapter/adapter_model.safetensors").read_bytes()
    try:
        (clone / "params.yaml").write_text(params.replace("    rank:", "    rnak:", 1))
        done = run(clone, "dvc", "repro")
        assert done.returncode != 0
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1
        assert "train.lora.rnak: unknown parameter (did you mean rank?)" in lines[0]
        assert "Traceback" not in done.stderr
        assert (clone / "models/adapter/adapter_model.safetensors").read_bytes() == adapter
    finally:
        (clone / "params.yaml").write_text(params)
    assert "up to date" in succeed(clone, "dvc", "repro")


def kill_while_training(folder: Path, delay: float) -> bool:
    """Start `dvc repro` and kill -9 it some time after it has left a checkpoint; whether it was still running."""
    checkpoint = folder / ".cache/training/training.safetensors"
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    with subprocess.Popen(
        ["dvc", "repro", "-q"], cwd=folder, env=user_environment(), stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        while process.poll() is None:
            if checkpoint.exists() and checkpoint.stat().st_mtime_ns > before:
                time.sleep(delay)
                os.killpg(process.pid, signal.SIGKILL)
                break
            time.sleep(0.005)
    return process.returncode == -signal.SIGKILL


def test_a_training_that_is_killed_again_and_again_ends_in_the_same_bytes(clone):
    params = (clone / "params.yaml").read_text()
    try:
        (clone / "params.yaml").write_text(params.replace("train:\n  seed: 7", "train:\n  seed: 8", 1))
        assert all(kill_while_training(clone, delay) for delay in (0.0, 0.02, 0.05))
        assert (clone / ".cache/training/training.safetensors").exists()
        last = run(clone, "dvc", "repro", "-q", "train")
        assert last.returncode == 0, last.stderr
        assert "continuing from .cache/training/training.safetensors" in last.stderr
        killed = (clone / "dvc.lock").read_bytes()
        assert not (clone / ".cache/training/training.safetensors").exists()
        succeed(clone, "dvc", "repro", "-q", "--force", "--single-item", "train")
        assert (clone / "dvc.lock").read_bytes() == killed
    finally:
        (clone / "params.yaml").write_text(params)
    succeed(clone, "dvc", "repro", "-q")
    assert succeed(clone, "git", "status", "--porcelain") == ""


def test_experiment_and_its_differences(clone):
    changes = "-S", "train.lora.rank=2", "-S", "train.lora.target_modules=attention"
    succeed(clone, "dvc", "exp", "run", "-q", "-n", "narrow", *changes)
    assert adapted(clone) == {"self_attn"}
    assert "narrow" in succeed(clone, "dvc", "exp", "list", "--name-only")
    changed = json.loads(succeed(clone, "dvc", "params", "diff", "--json"))["params.yaml"]
    assert changed["train.lora.rank"] == {"old": 16, "new": 2, "diff": -14}
    assert changed["train.lora.target_modules"] == {"old": "all-linear", "new": "attention"}
    differences = json.loads(succeed(clone, "dvc", "metrics", "diff", "--json"))
    assert "val.loss" in differences["reports/training/metrics.json"]
    succeed(clone, "dvc", "plots", "diff", "HEAD", "--out", "plots")
    assert "Learning curve" in (clone / "plots/index.html").read_text()
