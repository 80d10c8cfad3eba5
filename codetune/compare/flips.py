"""Find the problems that only one of two models solves."""

from __future__ import annotations

from dataclasses import dataclass

from codetune.evaluation.metrics.catalogue import EXECUTION
from codetune.history.reports import Reports, Variant

PASSED = "passed"
Model = tuple[Reports, Variant]


@dataclass(frozen=True)
class Flips:
    """The problems of one set that only one of two models solves.

    :param set: name of the set of problems.
    :param shared: number of problems that both models answered.
    :param won: ids of the problems that only the candidate solves.
    :param lost: ids of the problems that only the baseline solves.
    """

    set: str
    shared: int
    won: list[str]
    lost: list[str]


def solved_pairs(name: str, baseline: Model, candidate: Model) -> dict[str, tuple[float, float]]:
    """Whether baseline and candidate solve each problem of a set.

    :param name: name of the set of problems.
    :returns: 1 or 0 for baseline and candidate, by problem id, for the problems that both answered.
    """
    old, new = (
        {task: found[role] for task, found in reports.outcomes.get(name, {}).items() if role in found}
        for reports, role in (baseline, candidate)
    )
    return {task: (float(old[task] == PASSED), float(new[task] == PASSED)) for task in new if task in old}


def flips(baseline: Model, candidate: Model, differing: list[str]) -> list[Flips]:
    """Find the problems that only one model solves, for each set that both models answered with the same tests.

    :param differing: flat keys of the signatures that differ between the two revisions.
    """
    found = []
    for name in candidate[0].outcomes:
        both = solved_pairs(name, baseline, candidate)
        if both and f"{EXECUTION}.{name}" not in differing:
            won = [task for task, (old, new) in both.items() if new > old]
            lost = [task for task, (old, new) in both.items() if new < old]
            found.append(Flips(name, len(both), won, lost))
    return found
