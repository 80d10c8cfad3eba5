"""Kill the pipeline of the default parameters several times, continue it each time, and compare with what git tracks.

A trial is one run in a clone of HEAD, from the downloads to the export, which is killed and continued several times.
"""

from __future__ import annotations

import random
import signal
from pathlib import Path

from scripts.faults.campaign import Outcome
from scripts.faults.kills import REPRO
from scripts.faults.processes import Runner, kill_group, kill_one, messages, wait_until
from tests.support.slice_project import ROOT, succeed

_LEFT_OVER = (".part", ".old")


def head() -> str:
    """Return the commit that a trial clones, shortened."""
    return succeed(ROOT, "git", "rev-parse", "--short", "HEAD").strip()


def trial(kills: int, apart: float, _number: int, rng: random.Random, folder: Path) -> Outcome:
    """Run the pipeline and kill it `kills` times, each time after half to one and a half times `apart` seconds.

    Kills of the whole process group and of a single process take turns.
    """
    project = folder / "project"
    succeed(ROOT, "git", "clone", "-q", str(ROOT), str(project))
    runner, moments, problems = Runner(folder, project), [], []
    for place in range(kills):
        process = runner.start(*REPRO)
        moment = apart * rng.uniform(0.5, 1.5)
        if not wait_until(process, moment):
            problems.append(f"the run ended before kill {place + 1}: take a smaller --apart")
            break
        if place % 2:
            kill_one(process, rng)
            if process.wait() not in (0, -signal.SIGKILL):  # the command itself was not the victim
                problems += messages(runner.output())
        else:
            kill_group(process)
        moments.append(f"{moment:.0f}")
        problems += runner.end_survivors()
    status, output = runner.run(*REPRO)
    problems += [f"`dvc repro` fails afterwards: {output[-200:]}"] if status else changed_files(project)
    return Outcome(f"killed after {', '.join(moments)} s", problems)


def changed_files(project: Path) -> list[str]:
    """Return a clause for each file that differs from HEAD or was left over by a killed run."""
    changed = succeed(project, "git", "status", "--porcelain", "-z").split("\0")
    left = [path.relative_to(project) for path in project.rglob("*") if path.suffix in _LEFT_OVER]
    return [f"{line[3:]} differs" for line in changed if line] + [f"{path} is left over" for path in left]
