"""What the benchmark hands on to the processes that it compares."""

import subprocess
import sys

import pytest

from benchmarks import tuning
from codetune.numerics import ENVIRONMENT


@pytest.mark.parametrize("side", [*ENVIRONMENT, tuning._TRAINER])
def test_no_side_is_left_the_numerics_of_the_process_that_compares(monkeypatch, side):
    for key, value in ENVIRONMENT["portable"].items():
        monkeypatch.setenv(key, value)
    given = {}

    def run(command, *, env, **_options):
        given.update(env)
        return subprocess.CompletedProcess(command, 0, stdout='{"seconds": 1.0}\n', stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    assert tuning._child(side) == {"seconds": 1.0}
    assert "PATH" in given
    assert not given.keys() & ENVIRONMENT["portable"].keys()


def test_peak_memory_is_not_that_of_the_parent():
    held = b"x" * 600_000_000
    code = "from benchmarks.tuning import _peak_bytes; print(_peak_bytes())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 10_000_000 < int(told) < len(held) / 2
