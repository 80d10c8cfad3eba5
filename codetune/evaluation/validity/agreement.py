"""How often a metric gives the higher score to the program that works."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.validity.programs import Programs
from codetune.stats.intervals import paired_interval

Score = Callable[[str, str], dict[str, float]]
"""A function that computes all metrics of an answer (first argument) against a reference (second argument)."""
_DIGITS = 4
ALL = "all"


def agreement(functions: list[Programs], score: Score, params: ScoreParams) -> dict[str, Any]:
    """Compute for each metric how often it scores working programs higher than broken ones; 0.5 is chance level.

    :param functions: functions with working and broken variants.
    :param score: computes the metrics.
    :param params: bootstrap samples, confidence and seed.
    :returns: by metric, then by kind of working variant and for `all` kinds together: the mean over the functions with
        its bootstrap interval.
    """
    by_kind: dict[str, list[dict[str, float]]] = {}
    for function in functions:
        working = {kind: score(source, function.reference) for kind, source in function.working.items()}
        broken = [score(source, function.reference) for _, source in function.broken]
        by_kind.setdefault(ALL, []).append(preferences(list(working.values()), broken))
        for kind, scores in working.items():
            by_kind.setdefault(kind, []).append(preferences([scores], broken))
    names = list(by_kind[ALL][0]) if by_kind else []
    return {
        name: {kind: interval([shares[name] for shares in found], params) for kind, found in by_kind.items()}
        for name in names
    }


def preferences(working: list[dict[str, float]], broken: list[dict[str, float]]) -> dict[str, float]:
    """Return for each metric the share of pairs in which the working program has the higher score; ties count as half.

    :param working: the scores of each working program, by metric.
    :param broken: the scores of each broken program, by metric.
    """
    pairs = [(good, bad) for good in working for bad in broken]
    return {
        name: math.fsum((good[name] > bad[name]) + 0.5 * (good[name] == bad[name]) for good, bad in pairs) / len(pairs)
        for name in working[0]
    }


def interval(shares: list[float], params: ScoreParams) -> dict[str, float]:
    """Return the mean of shares, with its bootstrap interval and the number of shares.

    :param shares: one share for each function or problem.
    :param params: bootstrap samples, confidence and seed.
    :returns: `mean`, `low`, `high` and `functions`.
    """
    found = paired_interval(
        [0.0] * len(shares), shares, samples=params.bootstrap_samples, confidence=params.confidence, seed=params.seed
    )
    return {
        "mean": round(found.mean, _DIGITS), "low": round(found.low, _DIGITS), "high": round(found.high, _DIGITS),
        "functions": len(shares),
    }  # fmt: skip
