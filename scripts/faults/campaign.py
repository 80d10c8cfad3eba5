"""Run the trials of a campaign one after the other, print a line for each, and continue an interrupted campaign."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from codetune.core.files import digest_bytes, stable_seed
from codetune.core.journal import Journal


@dataclass(frozen=True)
class Outcome:
    """The result of a trial.

    :param what: what was done, in words.
    :param problems: a clause for each thing that is wrong; empty if the trial passed.
    """

    what: str
    problems: list[str]


Trial = Callable[[int, random.Random, Path], Outcome]
_SHOWN = 4  # problems of a trial that its line names


def run_trials(name: str, work: Path, count: int, seed: int, trial: Trial) -> bool:
    """Run the trials that have not run yet, and print a summary.

    :param name: the name of the campaign and its variant.
    :param work: the folder for results and for the folders of trials; another one for other code.
    :param trial: takes the number of the trial, its random numbers and its folder. The folder of a trial that fails is
        kept.
    :returns: whether all trials passed.
    """
    code = digest_bytes(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.rglob("*.py"))))
    journal = Journal(work / f"{name}.jsonl", f"{name} {count} {seed} {code}")
    kept = journal.read() or []
    results = list(kept)
    with journal.writing(kept) as add:
        for row in kept:
            print(_line(name, count, row), flush=True)
        for number in range(len(kept), count):
            row = _run(name, work, number, random.Random(stable_seed(seed, name, str(number))), trial)
            add(row)
            results.append(row)
            print(_line(name, count, row), flush=True)
    failed = sum(bool(row["problems"]) for row in results)
    seconds = sum(float(row["seconds"]) for row in results)
    print(f"{name}: {count} trials, {count - failed} passed, {failed} failed, {seconds:.0f} s, seed {seed}", flush=True)
    return not failed


def _run(name: str, work: Path, number: int, rng: random.Random, trial: Trial) -> dict[str, object]:
    folder = work / "trials" / f"{name}-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    start = time.monotonic()
    outcome = trial(number, rng, folder)
    if not outcome.problems:
        shutil.rmtree(folder)
    seconds = round(time.monotonic() - start, 1)
    return {"number": number, "what": outcome.what, "problems": outcome.problems, "seconds": seconds}


def _line(name: str, count: int, row: dict[str, object]) -> str:
    problems = cast("list[str]", row["problems"])
    more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    verdict = f"FAILED: {'; '.join(problems[:_SHOWN])}{more}" if problems else "passed"
    return f"{name} {cast('int', row['number']) + 1}/{count}: {row['what']}: {verdict} ({row['seconds']} s)"
