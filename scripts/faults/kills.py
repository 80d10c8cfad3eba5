"""Kill `dvc repro` or `dvc exp run` with SIGKILL at a random moment, run it again, and compare every byte."""

from __future__ import annotations

import random
import signal
from pathlib import Path

from scripts.faults.campaign import Outcome
from scripts.faults.processes import Runner, kill_group, kill_one, messages, wait_until
from scripts.faults.project import States, differences, torn

REPRO = ("dvc", "repro")
EXPERIMENT = ("dvc", "exp", "run", "-n", "trial")


def trial(
    states: States, command: tuple[str, ...], number: int, count: int, rng: random.Random, folder: Path
) -> Outcome:
    """Kill one run.

    The moments of all trials are spread evenly over the duration of a run. Even trials start without outputs, odd ones
    over the outputs of other parameters. Of two trials, one kills the whole process group, the other a single process.
    """
    state = "previous" if number % 2 and command == REPRO else "fresh"
    project = folder / "project"
    states.copy(state, project)
    runner = Runner(folder, project)
    moment = (number + rng.random()) / count * states.seconds
    process = runner.start(*command)
    problems = []
    if not wait_until(process, moment):
        what = f"{state}, ended before {moment:.1f} s"
    elif number % 4 < 2:  # noqa: PLR2004 - both kinds of victims for both states
        kill_group(process)
        what = f"{state}, group killed after {moment:.1f} s"
    else:
        victim = kill_one(process, rng)
        status = process.wait()
        what = f"{state}, killed {victim!r} after {moment:.1f} s"
        if status not in (0, -signal.SIGKILL):  # the command itself was not the victim
            problems += messages(runner.output())
    problems += runner.end_survivors()
    problems += torn(states, state, project)
    return Outcome(what, problems + run_to_the_end(states, runner, command))


def run_to_the_end(states: States, runner: Runner, command: tuple[str, ...]) -> list[str]:
    """Do what `make repro` does: check, then run the command again, undisturbed. Compare with the expected bytes."""
    status, output = runner.run("python", "-m", "codetune", "check")
    if status == 0:
        status, output = runner.run(*command)
    if status:
        lines = [line for line in output.split("\n") if line.strip()]
        return [f"`{' '.join(command)}` fails afterwards: {lines[-1][:200]}"]
    return differences(states, runner.project)
