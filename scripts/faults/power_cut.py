"""Imitate a power cut: kill a run, then drop what was not written to the disk for certain.

Every Python process of the run records its calls of `os.fsync` (scripts/faults/recording/sitecustomize.py). After the
kill, a file that changed since the start keeps its content for certain only if it was written with fsync and not
changed since. Every other changed file draws one of three fates: it is empty, it has its old content (a new file does
not exist), or it is as it was. A file whose folder was not written with fsync after it got its name draws between
the old content and the new one.

What this does not cover: the order of writes within a file, half-written sectors, git's files and SQLite files (both
call fsync in C, where it is not recorded; they are left as they are), and disks that lie about fsync.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from codetune.core.files import digest_file
from scripts.faults.campaign import Outcome
from scripts.faults.kills import REPRO, run_to_the_end
from scripts.faults.processes import Runner, kill_group, wait_until
from scripts.faults.project import States

_RECORDING = Path(__file__).parent / "recording"
_VARIABLE = "CODETUNE_FSYNC_RECORD"
_UNTOUCHED = (".git", "__pycache__")
_SQLITE = ("sqlite", ".db", "-wal", "-shm")


def trial(states: States, number: int, count: int, rng: random.Random, folder: Path) -> Outcome:
    """Cut the power once, do what the product advises, run to the end, and compare."""
    state = "previous" if number % 2 else "fresh"
    project, record = folder / "project", folder / "fsync.txt"
    states.copy(state, project)
    record.touch()
    runner = Runner(folder, project, {"PYTHONPATH": str(_RECORDING), _VARIABLE: str(record)})
    moment = (number + rng.random()) / count * states.seconds
    process = runner.start(*REPRO)
    wait_until(process, moment)
    kill_group(process)
    problems = runner.end_survivors()
    lost = _lose(states.folder / state, project, _synced(record), rng)
    runner.environment.clear()
    repairs = _repair(runner)
    problems += run_to_the_end(states, runner, REPRO)
    for options in ([], ["--cache"]):
        status, output = runner.run("python", "-m", "codetune", "verify", *options)
        problems += [f"`codetune verify` afterwards: {output.strip()[-200:]}"] if status else []
    done = f"; repaired: {', '.join(repairs)}" if repairs else ""
    return Outcome(f"{state}, cut after {moment:.1f} s, {lost} files lost content{done}", problems)


def _synced(record: Path) -> set[tuple[int, ...]]:
    """Return inode, time of change in nanoseconds and size of each file and folder when it was last written."""
    lines = record.read_text(encoding="utf-8").split("\n")
    return {tuple(map(int, line.split())) for line in lines if line.count(" ") == 2}  # noqa: PLR2004


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _changed(before: Path, project: Path) -> Iterator[Path]:
    """Yield the files that are new or different, relative to the project."""
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project)
        if any(part in _UNTOUCHED for part in name.parts) or any(word in path.name for word in _SQLITE):
            continue
        if path.is_file() and not path.is_symlink():
            old = before / name
            if not old.is_file() or digest_file(old) != digest_file(path):
                yield name


def _lose(before: Path, project: Path, synced: set[tuple[int, ...]], rng: random.Random) -> int:
    """Apply the fates. Return how many files lost content."""
    changed = list(_changed(before, project))
    # The fates are drawn from the states before any file is touched, because that changes its folder.
    fates = {}
    for name in changed:
        choices = ["kept"]
        if _state(project / name) not in synced:
            choices = ["kept", "old", "empty"]
        elif _state((project / name).parent) not in synced:
            choices = ["kept", "old"]
        fates[name] = rng.choice(choices)
    for name, fate in fates.items():
        path = project / name
        if fate == "empty":
            mode = path.stat().st_mode
            path.chmod(0o644)
            path.write_bytes(b"")
            path.chmod(mode)
        elif fate == "old":
            path.unlink()
            if (before / name).is_file():
                shutil.copy2(before / name, path)
    return sum(fate != "kept" for fate in fates.values())


def _repair(runner: Runner) -> list[str]:
    """Do what docs/reliability.md advises after a power cut. Return what was necessary."""
    repairs = []
    rwlock = runner.project / ".dvc/tmp/rwlock"
    if rwlock.exists() and not rwlock.read_bytes():
        rwlock.unlink()
        repairs.append("removed .dvc/tmp/rwlock")
    status, output = runner.run("python", "-m", "codetune", "verify", "--all")
    if status and "dvc.lock" in output and "checked" not in output:
        runner.succeed("git", "checkout", "dvc.lock")
        repairs.append("restored dvc.lock")
        status, output = runner.run("python", "-m", "codetune", "verify", "--all")
    damaged = [line.partition(" is damaged")[0] for line in output.split("\n") if " is damaged" in line]
    for name in damaged:
        (runner.project / name).unlink()
    return [*repairs, f"removed {len(damaged)} damaged objects of the DVC cache"] if damaged else repairs
