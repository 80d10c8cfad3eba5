"""What runs, from the notes that DVC leaves; one test lets DVC write them itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codetune.core.files import write_json, write_text
from codetune.history.running import Run, duration_text, running

SLEEPER = "import time\ntime.sleep(60)\n"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has started `python -m stages train`, as DVC does."""
    write_text(tmp_path / "stages" / "__main__.py", SLEEPER)
    code = (
        f"import subprocess, sys; print(flush=True); subprocess.run([{sys.executable!r}, '-m', 'stages', 'train'], "
        f"cwd={str(tmp_path)!r})"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    parent.stdout.readline()
    yield parent
    os.killpg(parent.pid, 9)
    parent.wait()
    parent.stdout.close()


def lock(folder: Path, pid: int, command: str = "/bin/dvc repro", name: str = "models/adapter") -> None:
    info = {"pid": pid, "cmd": command}
    write_json(folder / ".dvc/tmp/rwlock", {"write": {str(folder / name): info}, "read": {}})


def log(folder: Path, name: str, rows: str) -> None:
    write_text(folder / f"reports/.training.x1.part/plots/metrics/{name}.tsv", f"step\tloss\n{rows}")


def checkpoint(folder: Path, steps: Any) -> Path:
    header = json.dumps({"__metadata__": {"progress": json.dumps({"steps": steps, "step": 25})}}).encode()
    path = folder / ".cache/training/training.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"weights")
    return path


def found_when_started(root: Path) -> Run:
    """The run, as soon as the stage's process has come up."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        [run] = running(root)
        if run.stage:
            return run
        time.sleep(0.1)
    pytest.fail("the stage was never seen")


def test_a_training_is_told_with_curve_and_steps(tmp_path: Path, stage: subprocess.Popen[bytes]) -> None:
    lock(tmp_path, stage.pid)
    log(tmp_path, "train/loss", "10\t2.5\n20\t2.25\n30\t2.")  # the last line is being written
    log(tmp_path, "val/loss", "0\t3.0\n")
    checkpoint(tmp_path, 300)
    run = found_when_started(tmp_path)
    assert (run.name, run.command, run.stage, run.writes) == ("", "dvc repro", "train", ("models/adapter",))
    assert {curve.name: (curve.steps, curve.values) for curve in run.curves} == {
        "train/loss": ((10, 20), (2.5, 2.25)),
        "val/loss": ((0,), (3.0,)),
    }
    assert (run.step, run.steps) == (20, 300)
    assert 0 <= run.seconds < 60


def test_an_experiment_has_its_name_in_the_workspace_and_elsewhere(
    tmp_path: Path, stage: subprocess.Popen[bytes]
) -> None:
    runs = tmp_path / ".dvc/tmp/exps"
    info = {"root_dir": str(tmp_path), "dvc_dir": ".dvc", "name": "hasty-lark", "status": 2}
    write_json(runs / "run/workspace/workspace.run", info)
    write_json(runs / "run/0123/0123.run", {**info, "name": "finished", "status": 1})  # DVC leaves such behind
    lock(tmp_path, stage.pid, "/bin/dvc exp run -S a=1")
    assert [run.name for run in running(tmp_path)] == ["hasty-lark"]
    elsewhere = runs / "tmp1"
    write_json(runs / "run/4567/4567.run", {**info, "root_dir": str(elsewhere), "name": "in-temp"})
    lock(elsewhere, stage.pid, "/bin/dvc exp exec-run")
    log(elsewhere, "train/loss", "10\t2.5\n")
    assert [(run.name, run.step) for run in running(tmp_path)] == [("hasty-lark", None), ("in-temp", 10)]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"write": 1}', '{"write": {"a": {"pid": "x"}}}'])
def test_notes_that_cannot_be_read_are_passed_over(tmp_path: Path, content: str) -> None:
    write_text(tmp_path / ".dvc/tmp/rwlock", content)
    write_text(tmp_path / ".dvc/tmp/exps/run/a/a.run", content)
    assert running(tmp_path) == []


def test_nothing_runs_where_no_process_does(tmp_path: Path, stage: subprocess.Popen[bytes]) -> None:
    assert running(tmp_path) == []
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock(tmp_path, gone.pid)
    assert running(tmp_path) == []
    lock(tmp_path, stage.pid, "/bin/dvc commit train")
    assert running(tmp_path) == []
    lock(tmp_path, stage.pid)
    long_ago = time.time() - 3600
    os.utime(tmp_path / ".dvc/tmp/rwlock", (long_ago, long_ago))  # its process was another, of the same number
    assert running(tmp_path) == []


@pytest.mark.parametrize("steps", [None, "many"])
def test_a_checkpoint_of_another_kind_says_nothing(tmp_path: Path, stage: subprocess.Popen[bytes], steps: Any) -> None:
    lock(tmp_path, stage.pid)
    log(tmp_path, "train/loss", "10\t2.5\n")
    checkpoint(tmp_path, steps)
    assert found_when_started(tmp_path).steps is None


def test_a_checkpoint_of_an_earlier_run_says_nothing(tmp_path: Path, stage: subprocess.Popen[bytes]) -> None:
    lock(tmp_path, stage.pid)
    log(tmp_path, "train/loss", "10\t2.5\n")
    os.utime(checkpoint(tmp_path, 300), (1, 1))
    run = found_when_started(tmp_path)
    assert (run.step, run.steps) == (10, None)


@pytest.mark.slow
def test_dvc_itself_is_understood(tmp_path: Path) -> None:
    dvc = Path(sys.executable).with_name("dvc")
    write_text(
        tmp_path / "dvc.yaml", f"stages:\n  train:\n    cmd: {sys.executable} -m stages train\n    outs: [out]\n"
    )
    write_text(tmp_path / "stages" / "__main__.py", SLEEPER)
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    subprocess.run([dvc, "init", "-q", "--no-scm"], cwd=tmp_path, env=environment, check=True)
    repro = subprocess.Popen([dvc, "repro", "-q"], cwd=tmp_path, env=environment, start_new_session=True)
    try:
        until = time.monotonic() + 60
        found: list[Run] = []
        while time.monotonic() < until and not (found and found[0].stage):
            found = running(tmp_path)
            time.sleep(0.1)
        assert [(run.command, run.stage, run.writes) for run in found] == [("dvc repro -q", "train", ("out",))]
    finally:
        os.killpg(repro.pid, 9)
        repro.wait()
    assert running(tmp_path) == []


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.9, "59 s"), (200, "3 min 20 s"), (7400, "2 h 3 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
