"""How well each metric tells answers that pass their tests from answers to the same problem that fail."""

from __future__ import annotations

from dataclasses import dataclass

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.validity.agreement import interval, preferences

MIN_PROBLEMS = 20
"""Problems with answers of both kinds below which nothing is said of the metrics."""


@dataclass(frozen=True)
class Graded:
    """The scores of the answers to one problem, by metric: of those that pass, and of those that fail."""

    passing: list[dict[str, float]]
    failing: list[dict[str, float]]


def discrimination(problems: list[Graded], params: ScoreParams) -> dict[str, JsonObject]:
    """For each metric the mean over the problems of its AUC, with the bootstrap interval over them.

    The AUC of one problem is the share of pairs of a passing and a failing answer in which the passing one scores
    higher; equal scores count as half (Hanley and McNeil 1982). 0.5 is what a coin would reach. Problems all of whose
    answers pass, or fail, say nothing.

    :returns: nothing where fewer than `MIN_PROBLEMS` problems have answers of both kinds.
    """
    found = [preferences(each.passing, each.failing) for each in problems if each.passing and each.failing]
    if len(found) < MIN_PROBLEMS:
        return {}
    areas = {name: interval([shares[name] for shares in found], params) for name in found[0]}
    return {name: {key: area[key] for key in ("mean", "low", "high")} for name, area in areas.items()}
