"""Run the pipeline on a small file system that fills up, free space, and run it again.

A file system in memory (tmpfs) of its own holds the project, the temporary folder and DVC's caches, so that every write
of a stage and of DVC can fail. A limit for single files (RLIMIT_FSIZE) would not do: it gives another error (EFBIG),
and counts each file by itself. Mounting needs root.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.faults.campaign import Outcome
from scripts.faults.kills import REPRO
from scripts.faults.processes import Runner, messages
from scripts.faults.project import States, differences, torn

_SPARE_MB = 512
_FILLER = "filler"


def refusal() -> str | None:
    """Return why file systems cannot be mounted here; None if they can."""
    with tempfile.TemporaryDirectory() as name:
        try:
            with _mounted(Path(name), 1):
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            return f"no file system can be mounted here ({error})"


@contextmanager
def _mounted(folder: Path, megabytes: int) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def trial(states: States, number: int, count: int, rng: random.Random, folder: Path) -> Outcome:
    """Run with a part of the space that a whole run needs. The parts of all trials are spread evenly."""
    state = "previous" if number % 2 else "fresh"
    disk = folder / "disk"
    disk.mkdir()
    free = int((number + rng.random()) / count * states.bytes_written)
    with _mounted(disk, _SPARE_MB + 4 * (states.bytes_written >> 20)):
        project = disk / "project"
        states.copy(state, project)
        runner = Runner(disk, project)
        (disk / "tmp").mkdir()
        (disk / "site").mkdir()
        runner.log.touch()
        _fill(disk, free)
        status, output = runner.run(*REPRO)
        what = f"{state}, {free:,} bytes free, status {status}"
        problems = messages(output) if status else []
        problems += runner.end_survivors() + torn(states, state, project)
        (disk / _FILLER).unlink()
        status, output = runner.run(*REPRO)
        if status:
            problems.append(f"`dvc repro` fails with free space: {_last_line(output)}")
        else:
            problems += differences(states, project)
        shutil.copy2(runner.log, folder / "log.txt")
    return Outcome(what, problems)


def _fill(disk: Path, free: int) -> None:
    """Write a file that leaves `free` bytes."""
    found = os.statvfs(disk)
    with (disk / _FILLER).open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, found.f_bavail * found.f_frsize - free))


def _last_line(output: str) -> str:
    return ([line for line in output.split("\n") if line.strip()] or ["no output"])[-1][:200]
