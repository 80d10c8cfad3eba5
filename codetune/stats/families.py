"""Compare two models by a family of metrics: differences, intervals, and p-values corrected over the family.

A family is a set of metrics that are tested together; docs/evaluation.md explains why. The stage that writes
reports/metrics.json, `compare` and the app all call `compare_family`, so they show the same numbers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import variance

from codetune.stats.intervals import Interval, paired_interval, paired_intervals
from codetune.stats.pairs import Pair
from codetune.stats.significance import detectable_difference, holm, paired_p_values

PERMUTATIONS = 10_000
"""Random sign choices per permutation test; the parameters do not change it. The smallest p-value is 1 in 10,001."""


@dataclass(frozen=True)
class Settings:
    """The settings of bootstrap intervals and permutation tests.

    :param samples: the number of bootstrap resamples of the prompts.
    :param confidence: the share of the resampled means inside an interval, from 0 to 1.
    :param seed: the random seed for the resamples and for the signs of permutation tests.
    """

    samples: int = 2000
    confidence: float = 0.95
    seed: int = 7


@dataclass(frozen=True)
class MetricComparison:
    """The comparison of two models by one metric.

    :param interval: the mean difference (candidate minus baseline) and its confidence interval.
    :param equal: whether both models have the same score on every prompt.
    :param p_value: the two-sided p-value after Holm's correction over the family.
    :param detectable: the smallest true difference that a test on these prompts finds with a power of 0.8.
    :param spread: the pooled standard deviation of single scores, see `pooled_spread`.
    """

    interval: Interval
    equal: bool
    p_value: float
    detectable: float
    spread: float | None


@dataclass(frozen=True)
class GroupGain:
    """The mean difference (candidate minus baseline) over the prompts of one group.

    :param prompts: the number of prompts in the group.
    :param low: the lower end of the interval; None for a single prompt, which has no interval.
    :param high: the upper end; None for a single prompt.
    """

    group: str
    prompts: int
    mean: float
    low: float | None
    high: float | None


def compare_family(pairs: Mapping[str, Pair], settings: Settings) -> dict[str, MetricComparison]:
    """Compare two models by every metric of a family.

    A metric with equal scores on every prompt gets a p-value of 1. It does not count in the correction, because it
    cannot be a false positive (Tarone 1990).

    :param pairs: the scores of both models by the name of the metric, all on the same prompts.
    :returns: the result of each metric by its name.
    """
    scores = [*pairs.values()]
    if not scores:
        return {}
    intervals = paired_intervals(scores, samples=settings.samples, confidence=settings.confidence, seed=settings.seed)
    p_values = paired_p_values(scores, samples=PERMUTATIONS, seed=settings.seed)
    differing = [name for name, (old, new) in pairs.items() if old != new]
    single = dict(zip(pairs, p_values, strict=True))
    corrected = dict(zip(differing, holm([single[name] for name in differing]), strict=True))
    return {
        name: MetricComparison(
            interval,
            name not in corrected,
            corrected.get(name, 1.0),
            detectable_difference(*pairs[name], settings.confidence),
            pooled_spread(*pairs[name]),
        )
        for name, interval in zip(pairs, intervals, strict=True)
    }


def pooled_spread(baseline: list[float], candidate: list[float]) -> float | None:
    """Return the pooled standard deviation of single scores: the square root of the mean of both variances.

    A difference divided by it is a standardised mean difference (Cohen 1988, d with the pooled standard deviation).
    With this, metrics on different scales can be plotted on one axis.

    :returns: the standard deviation; None for fewer than two prompts.
    """
    if len(baseline) < 2:  # noqa: PLR2004
        return None
    return math.sqrt((variance(baseline) + variance(candidate)) / 2)


def compare_groups(groups: Sequence[str], pair: Pair, settings: Settings) -> list[GroupGain]:
    """Return the mean difference over the prompts of each group, the largest first.

    :param groups: the group of each prompt, in the order of the scores.
    :param pair: the scores of baseline and candidate.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    found = []
    for group, places in members.items():
        old, new = ([scores[place] for place in places] for scores in pair)
        each = paired_interval(old, new, samples=settings.samples, confidence=settings.confidence, seed=settings.seed)
        ends = (each.low, each.high) if len(places) > 1 else (None, None)
        found.append(GroupGain(group, len(places), each.mean, *ends))
    return sorted(found, key=lambda gain: (-gain.mean, gain.group))
