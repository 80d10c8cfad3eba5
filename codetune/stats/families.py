"""Two models compared by a family of metrics: differences, intervals, and p-values corrected over the family.

reports/metrics.json, `compare` and the page all call `compare_family`, so that the same question has the same answer.
docs/evaluation.md says what a family is, and why.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import variance

from codetune.stats.intervals import Interval, paired_interval, paired_intervals
from codetune.stats.pairs import Pair
from codetune.stats.significance import detectable_difference, holm, paired_ps

PERMUTATIONS = 10_000
"""Draws of a permutation test, whatever the parameters say: so no p-value is below 1 in 10,001."""


@dataclass(frozen=True)
class Settings:
    """How intervals are drawn.

    :param samples: resamples of the prompts.
    :param confidence: share of the resampled means that lie within an interval.
    :param seed: draws the resamples, and the signs of permutation tests.
    """

    samples: int = 2000
    confidence: float = 0.95
    seed: int = 7


@dataclass(frozen=True)
class Tested:
    """One metric of two models.

    :param equal: whether both models have the same score on every prompt.
    :param p_value: corrected by Holm over the family.
    :param detectable: the smallest true difference that these prompts would have shown in four of five cases.
    :param spread: see `pooled_spread`.
    """

    interval: Interval
    equal: bool
    p_value: float
    detectable: float
    spread: float | None


@dataclass(frozen=True)
class GroupGain:
    """The mean difference over the prompts of one group; one prompt alone has no interval, and its ends are None."""

    group: str
    prompts: int
    mean: float
    low: float | None
    high: float | None


def compare_family(pairs: Mapping[str, Pair], settings: Settings) -> dict[str, Tested]:
    """Every metric of a family, by its name.

    A metric that no prompt tells apart has a p-value of 1 and does not count in the correction: it can be no false
    alarm (Tarone 1990).

    :param pairs: by metric, all of the same prompts.
    """
    scores = [*pairs.values()]
    if not scores:
        return {}
    intervals = paired_intervals(scores, samples=settings.samples, confidence=settings.confidence, seed=settings.seed)
    p_values = paired_ps(scores, samples=PERMUTATIONS, seed=settings.seed)
    differing = [name for name, (old, new) in pairs.items() if old != new]
    single = dict(zip(pairs, p_values, strict=True))
    corrected = dict(zip(differing, holm([single[name] for name in differing]), strict=True))
    return {
        name: Tested(
            interval,
            name not in corrected,
            corrected.get(name, 1.0),
            detectable_difference(*pairs[name], settings.confidence),
            pooled_spread(*pairs[name]),
        )
        for name, interval in zip(pairs, intervals, strict=True)
    }


def pooled_spread(baseline: list[float], candidate: list[float]) -> float | None:
    """The standard deviation of single scores, the variances of both sides averaged; None where there is no such thing.

    A difference in units of it is a standardised mean difference (Cohen 1988, d with the pooled standard deviation),
    by which metrics on different scales can be drawn on one axis.
    """
    if len(baseline) < 2:  # noqa: PLR2004
        return None
    return math.sqrt((variance(baseline) + variance(candidate)) / 2)


def by_group(groups: Sequence[str], pair: Pair, settings: Settings) -> list[GroupGain]:
    """The mean difference over the prompts of each group, the largest first.

    :param groups: the group of each prompt, in the order of `pair`.
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
