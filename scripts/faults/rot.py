"""Flip one bit in a file, as a damaged disk does: size and time of change stay the same.

The damage must be noticed before the file is used: `codetune verify` names it, or the stage that reads it refuses it or
makes the right bytes without it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from scripts.faults.campaign import Outcome
from scripts.faults.processes import Runner, kill_group, messages
from scripts.faults.project import States, differences

_WAIT_S = 300
_CHECKPOINT = ".cache/training/training.safetensors"


def flip(path: Path, rng: random.Random) -> str:
    """Flip a random bit of a file without changing its size, times or mode. Return where, in words."""
    found = path.stat()
    content = bytearray(path.read_bytes())
    place, bit = rng.randrange(len(content)), rng.randrange(8)
    content[place] ^= 1 << bit
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(found.st_mode)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    return f"bit {bit} of byte {place} of {len(content)}"


def _verified(runner: Runner, *options: str) -> list[str]:
    """Check that `codetune verify` finds damage."""
    status, output = runner.run("python", "-m", "codetune", "verify", *options)
    if "Traceback" in output:
        return ["`codetune verify` prints a traceback"]
    return [] if status else ["`codetune verify` does not notice it"]


def _refused(states: States, runner: Runner, stage: str) -> list[str]:
    """Check that a stage refuses the damaged file in one line, or makes the right bytes."""
    status, output = runner.run("dvc", "repro", "--force", "--single-item", stage)
    if status:
        return messages(output)
    left = [problem for problem in differences(states, runner.project, "done") if _is_output(problem)]
    return [f"{stage} used it: {problem}" for problem in left]


def _is_output(problem: str) -> bool:
    return "left over" not in problem


def _cache(_states: States, runner: Runner, rng: random.Random) -> tuple[str, list[str]]:
    path = rng.choice(sorted(path for path in (runner.project / ".dvc/cache/files").rglob("*") if path.is_file()))
    where = flip(path, rng)
    return f"{path.relative_to(runner.project)}, {where}", _verified(runner, "--all")


def _lock(states: States, runner: Runner, rng: random.Random) -> tuple[str, list[str]]:
    """Flip a bit of dvc.lock: either a command refuses the file, or the next run restores the right bytes."""
    path = runner.project / "dvc.lock"
    where = flip(path, rng)
    status, output = runner.run("python", "-m", "codetune", "verify")
    if status:
        return f"dvc.lock, {where}", ["a traceback was printed"] if "Traceback" in output else []
    status, output = runner.run("dvc", "repro")
    if status:
        return f"dvc.lock, {where}", messages(output)
    return f"dvc.lock, {where}", differences(states, runner.project, "done")


def _wheel(states: States, runner: Runner, rng: random.Random) -> tuple[str, list[str]]:
    path = rng.choice(sorted((runner.project / ".cache/wheels").glob("*.whl")))
    return f"{path.name}, {flip(path, rng)}", _refused(states, runner, "ingest")


def _named(*choices: tuple[str, str]) -> Callable[[States, Runner, random.Random], tuple[str, list[str]]]:
    """Return a kind of trial: damage a file or a file of a folder, then run a stage that reads it."""

    def one(states: States, runner: Runner, rng: random.Random) -> tuple[str, list[str]]:
        name, stage = rng.choice(choices)
        path = runner.project / name
        if path.is_dir():
            path = rng.choice(sorted(file for file in path.rglob("*") if file.is_file()))
        what = f"{path.relative_to(runner.project)}, {flip(path, rng)}"
        verified = [] if name == "tiny.gguf" else _verified(runner)
        return what, verified + (_refused(states, runner, stage) if stage else [])

    return one


def _interrupted(stage: str, pattern: str) -> Callable[[States, Runner, random.Random], tuple[str, list[str]]]:
    """Return a kind of trial: kill a stage when it has saved its state, damage that state, and run the stage again."""

    def one(states: States, runner: Runner, rng: random.Random) -> tuple[str, list[str]]:
        command = ("dvc", "repro", "--force", "--single-item", stage)
        process, end = runner.start(*command), time.monotonic() + _WAIT_S
        while process.poll() is None and time.monotonic() < end:
            if any(path.stat().st_size > 0 for path in runner.project.glob(pattern)):
                break
            time.sleep(0.002)
        kill_group(process)
        found = sorted(path for path in runner.project.glob(pattern) if path.stat().st_size > 0)
        if not found:
            return f"{pattern} was not there when {stage} was killed", ["nothing was tried"]
        what = f"{found[0].relative_to(runner.project)}, {flip(found[0], rng)}"
        return what, _refused(states, runner, stage)

    return one


KINDS = (
    _cache,
    _lock,
    _wheel,
    _named(("models/adapter/adapter_model.safetensors", "generate@tuned"), ("models/adapter", "generate@tuned")),
    _named(("tiny.gguf", "train")),
    _named(("models/export", "")),
    _named(("data/augmented/train.jsonl", "train"), ("data/clean/ledger.parquet", "describe"), ("data/raw", "clean")),
    _named(("reports/metrics.json", "export"), ("reports/samples/tuned.jsonl", "score"), ("reports/scores.jsonl", "")),
    _interrupted("generate@tuned", ".cache/generation/*"),
    _interrupted("train", _CHECKPOINT),
)


def trial(states: States, number: int, rng: random.Random, folder: Path) -> Outcome:
    """Damage one file of a project that is up to date."""
    runner = Runner(folder, folder / "project")
    states.copy("done", runner.project)
    runner.run("dvc", "status", "-q")  # so that DVC has recorded sizes and times, and trusts the files
    what, problems = KINDS[number % len(KINDS)](states, runner, rng)
    return Outcome(what, problems)
