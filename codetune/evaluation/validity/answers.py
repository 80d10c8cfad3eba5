"""How well each metric separates answers that pass their tests from answers to the same problem that fail."""

from __future__ import annotations

from dataclasses import dataclass

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.validity.agreement import interval, preferences

MIN_PROBLEMS = 20
"""The minimal number of problems with both passing and failing answers; with fewer, nothing is reported."""


@dataclass(frozen=True)
class GradedAnswers:
    """The scores of the answers to one problem.

    :param passing: the scores of each answer that passes, by metric.
    :param failing: the scores of each answer that fails, by metric.
    """

    passing: list[dict[str, float]]
    failing: list[dict[str, float]]


def discrimination(problems: list[GradedAnswers], params: ScoreParams) -> dict[str, JsonObject]:
    """Compute for each metric the mean AUC over the problems, with its bootstrap interval.

    The AUC of one problem is the share of pairs of a passing and a failing answer in which the passing one has the
    higher score; equal scores count as half (Hanley and McNeil 1982). 0.5 is chance level. Problems without answers of
    both kinds are left out.

    :param problems: the scores of the answers to each problem.
    :param params: bootstrap samples, confidence and seed.
    :returns: `mean`, `low` and `high` by metric; empty if fewer than `MIN_PROBLEMS` problems are left.
    """
    found = [preferences(each.passing, each.failing) for each in problems if each.passing and each.failing]
    if len(found) < MIN_PROBLEMS:
        return {}
    areas = {name: interval([shares[name] for shares in found], params) for name in found[0]}
    return {name: {key: area[key] for key in ("mean", "low", "high")} for name, area in areas.items()}
