"""Run two processes on the same files: no file may be torn, and no line lost."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

from scripts.faults.campaign import Outcome
from scripts.faults.kills import REPRO
from scripts.faults.processes import Runner, messages
from scripts.faults.project import States, differences

_KEPT = 60  # corrections that each of two processes saves
_SEEDS = ("21", "22")  # of the two experiments
_WAIT_S = 900


def _repro_twice(states: States, rng: random.Random, folder: Path) -> Outcome:
    """Start `dvc repro` twice. One may be refused; the results are those of one run."""
    runner, other = _runners(states, "previous", folder)
    first = runner.start(*REPRO)
    delay = rng.random() * states.seconds / 2
    time.sleep(delay)
    status, output = other.run(*REPRO)
    problems = messages(output) if status else []
    if first.wait() and "Traceback" in runner.output():
        problems.append("the first run printed a traceback")
    status, output = runner.run(*REPRO)
    problems += [f"`dvc repro` fails afterwards: {output[-200:]}"] if status else differences(states, runner.project)
    return Outcome(f"two `dvc repro`, the second {delay:.1f} s later", problems)


def _repro_and_reader(states: States, _rng: random.Random, folder: Path) -> Outcome:
    """Read all reports of the workspace again and again while `dvc repro` replaces them."""
    runner, other = _runners(states, "previous", folder)
    reader = other.start(sys.executable, "-m", "scripts.faults.reading", str(folder / "found.json"))
    status, output = runner.run(*REPRO)
    reader.terminate()
    reader.wait()
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    problems = [f"a reader saw: {problem}" for problem in found["problems"]]
    problems += [f"`dvc repro` fails: {output[-200:]}"] if status else differences(states, runner.project)
    if not found["times"]:
        problems.append("the reader never ran")
    return Outcome(f"`dvc repro` while reports were read {found['times']} times", problems)


def _two_experiments(states: States, _rng: random.Random, folder: Path) -> Outcome:
    """Run two experiments of the queue at once, and compare each with the same experiment alone."""
    (folder / "alone").mkdir()
    alone, both = Runner(folder / "alone", folder / "alone/project"), Runner(folder, folder / "project")
    for runner in (alone, both):
        states.copy("done", runner.project)
    for seed in _SEEDS:
        alone.succeed("dvc", "exp", "run", "-q", "-n", f"seed{seed}", "-S", f"score.seed={seed}")
        both.succeed("dvc", "exp", "run", "--queue", "-n", f"seed{seed}", "-S", f"score.seed={seed}")
    both.succeed("dvc", "queue", "start", "-j", "2")
    end = time.monotonic() + _WAIT_S
    while any(word in both.succeed("dvc", "queue", "status") for word in ("Queued", "Running")):
        time.sleep(3)
        if time.monotonic() > end:
            break
    both.run("dvc", "queue", "stop", "--kill")
    problems = []
    for name in (f"seed{seed}" for seed in _SEEDS):
        expected, found = _tree(alone, name), _tree(both, name)
        problems += [f"experiment {name} has tree {found}, alone {expected}"] if expected != found else []
    return Outcome("two experiments of the queue", problems + both.end_survivors())


def _tree(runner: Runner, name: str) -> str:
    """Return the tree that the commit of an experiment has."""
    refs = runner.run("git", "for-each-ref", "--format=%(refname) %(tree)", "refs/exps")[1].split("\n")
    return next((line.split(" ")[1] for line in refs if line.split(" ")[0].endswith(f"/{name}")), "none")


def _feedback_twice(states: States, _rng: random.Random, folder: Path) -> Outcome:
    """Save corrected answers from two processes at once."""
    runner, other = _runners(states, "done", folder)
    processes = [
        each.start(sys.executable, "-m", "scripts.faults.reading", "--keep", name, str(_KEPT))
        for each, name in ((runner, "a"), (other, "b"))
    ]
    problems = ["a process failed"] * sum(process.wait() != 0 for process in processes)
    lines = (runner.project / "data/feedback.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    found = {json.loads(line)["instruction"] for line in lines}
    wanted = {f"{name}{number}" for name in "ab" for number in range(_KEPT)}
    problems += [f"{len(wanted - found)} lines are lost"] if wanted - found else []
    problems += ["lines are there twice"] if len(lines) != len(found) else []
    return Outcome(f"two processes saved {_KEPT} corrections each", problems)


KINDS = (_feedback_twice, _repro_twice, _repro_and_reader, _two_experiments)


def trial(states: States, number: int, rng: random.Random, folder: Path) -> Outcome:
    """Run one kind of trial."""
    return KINDS[number % len(KINDS)](states, rng, folder)


def _runners(states: States, state: str, folder: Path) -> tuple[Runner, Runner]:
    """Return two runners, with logs of their own, in one project."""
    project = folder / "project"
    states.copy(state, project)
    for name in ("one", "two"):
        (folder / name).mkdir()
    site = {"DVC_SITE_CACHE_DIR": str(folder / "one/site")}
    return Runner(folder / "one", project, site), Runner(folder / "two", project, site)
