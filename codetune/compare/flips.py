"""The problems that one of two models solves and the other does not."""

from __future__ import annotations

from dataclasses import dataclass

from codetune.evaluation.metrics.catalogue import EXECUTION
from codetune.history.reports import Reports, Role

PASSED = "passed"
Model = tuple[Reports, Role]


@dataclass(frozen=True)
class Flips:
    """The problems of one set that changed sides.

    :param shared: the number of problems that both models were tried on.
    :param won: ids of those that the candidate alone solves, `lost` of those that the baseline alone solves.
    """

    set: str
    shared: int
    won: list[str]
    lost: list[str]


def passes(name: str, baseline: Model, candidate: Model) -> dict[str, tuple[float, float]]:
    """Whether baseline and candidate solve each problem of a set that both were tried on: 1 or 0, by id."""
    old, new = (
        {task: found[role] for task, found in reports.outcomes.get(name, {}).items() if role in found}
        for reports, role in (baseline, candidate)
    )
    return {task: (float(old[task] == PASSED), float(new[task] == PASSED)) for task in new if task in old}


def flips(baseline: Model, candidate: Model, differing: list[str]) -> list[Flips]:
    """The problems won and lost, for each set that both models were tried on with the same tests.

    :param differing: the flat keys of what the two revisions measured differently.
    """
    found = []
    for name in candidate[0].outcomes:
        both = passes(name, baseline, candidate)
        if both and f"{EXECUTION}.{name}" not in differing:
            won = [task for task, (old, new) in both.items() if new > old]
            lost = [task for task, (old, new) in both.items() if new < old]
            found.append(Flips(name, len(both), won, lost))
    return found
