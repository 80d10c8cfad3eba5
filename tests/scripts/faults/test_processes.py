"""Commands of a trial are killed as a group or one by one, and what outlives them is found."""

import random
import sys
import time

import pytest

from scripts.faults.processes import Runner, kill_group, kill_one, messages, wait_until

CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
ORPHAN = (
    "import subprocess, sys, time; "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True); time.sleep(3)"
)


@pytest.fixture
def runner(tmp_path):
    (tmp_path / "project").mkdir()
    return Runner(tmp_path, tmp_path / "project")


def started(runner, code):
    process = runner.start(sys.executable, "-c", code)
    end = time.monotonic() + 20
    while len(runner._marked()) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    return process


def test_a_group_is_killed(runner):
    process = started(runner, CHILD)
    assert wait_until(process, 0.1)
    kill_group(process)
    assert process.returncode == -9
    assert runner.end_survivors() == []


def test_one_process_is_killed(runner):
    process = started(runner, CHILD)
    assert "time.sleep(60)" in kill_one(process, random.Random(1))
    assert process.wait(10) == 0, "the process itself lives and ends"


def test_a_process_that_outlives_is_told_and_ended(runner, monkeypatch):
    monkeypatch.setattr("scripts.faults.processes._GRACE_S", 0.1)
    process = started(runner, ORPHAN)
    process.wait(10)
    (clause,) = runner.end_survivors()
    assert "outlives the kill" in clause
    assert runner.survivors() == []


@pytest.mark.parametrize(
    ("output", "problems"),
    [
        ("error: the disk is full.\nERROR: failed to reproduce 'train'", 0),
        ("Traceback (most recent call last):\nerror: x", 1),
        ("Killed", 1),
        ("training: 17% [00:00, 0.6 GB]ERROR: failed to reproduce 'train'", 0),
    ],
)
def test_messages_of_a_failure(output, problems):
    assert len(messages(output)) == problems
