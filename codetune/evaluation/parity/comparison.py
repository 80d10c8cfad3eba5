"""What an exported form changes: equal answers, the first token that differs, BERTScore and pass@1."""

from __future__ import annotations

import math
from statistics import median, quantiles

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.statistics import DIGITS, paired_gains
from codetune.evaluation.sandbox.trial import TestResult
from codetune.stats.intervals import wilson_interval

_SHARE_DIGITS = 4


def token_figures(reference: list[list[int]], found: list[list[int]], confidence: float) -> JsonObject:
    """Compare answers token by token.

    :param reference: the token ids of the answers of torch.
    :param found: those of the form, in the same order.
    :param confidence: the confidence level of the interval.
    :returns: `equal` (number and share of equal answers, with interval) and `first_difference`: over the other
        answers, the median and the quartiles of the number of the first token that differs, counted from 1; the end
        of an answer counts as a token.
    """
    places = [first_difference(*pair) for pair in zip(reference, found, strict=True)]
    differing = [place for place in places if place is not None]
    answers = len(differing)
    return {
        "equal": share(len(places) - answers, len(places), confidence),
        "first_difference": {"answers": answers, **(_quartiles(differing) if differing else {})},
    }


def first_difference(one: list[int], other: list[int]) -> int | None:
    """Return the number of the first token that differs, counted from 1; None for equal answers."""
    if one == other:
        return None
    pairs = enumerate(zip(one, other, strict=False), start=1)
    return next((number for number, (left, right) in pairs if left != right), min(len(one), len(other)) + 1)


def share(count: int, total: int, confidence: float) -> JsonObject:
    """Return the share with its interval (Wilson 1927).

    :param count: the number of successes.
    :param total: the number of trials, 1 or more.
    :returns: `count`, `share`, `low` and `high`.
    """
    low, high = wilson_interval(count, total, confidence)
    found = {"share": count / total, "low": low, "high": high}
    return {"count": count, **{name: round(value, _SHARE_DIGITS) for name, value in found.items()}}


def _quartiles(numbers: list[int]) -> JsonObject:
    lower, _, upper = quantiles(numbers, n=4, method="inclusive") if len(numbers) > 1 else numbers * 3
    return {"median": float(median(numbers)), "quartile_1": float(lower), "quartile_3": float(upper)}


def score_figures(reference: list[float], found: list[float], params: ScoreParams) -> JsonObject:
    """Compare a score of the same prompts.

    :returns: `mean` of the form, and the paired `difference`: form less torch.
    """
    [difference] = paired_gains([(reference, found)], params)
    return {"mean": mean(found), "difference": difference}


def mean(values: list[float]) -> float:
    """Return the rounded mean."""
    return round(math.fsum(values) / len(values), DIGITS)


Verdicts = dict[str, TestResult]
"""The result of running one answer to each problem, by problem."""


def pass_figures(reference: Verdicts, found: Verdicts, params: ScoreParams) -> JsonObject:
    """Compare which answers pass their tests.

    :param reference: the results of torch.
    :param found: those of the form, of the same problems.
    :returns: as `passed`, with the paired `difference` (form less torch), and the problems `won` and `lost`.
    """
    pair = tuple([float(each[task].passed) for task in reference] for each in (reference, found))
    [difference] = paired_gains([(pair[0], pair[1])], params)
    return passed(found, params.confidence) | {
        "difference": difference,
        "won": [task for task in reference if found[task].passed and not reference[task].passed],
        "lost": [task for task in reference if reference[task].passed and not found[task].passed],
    }


def passed(results: Verdicts, confidence: float) -> JsonObject:
    """Return pass@1 with its interval."""
    return share(sum(each.passed for each in results.values()), len(results), confidence)
