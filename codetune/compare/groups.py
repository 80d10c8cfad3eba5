"""Aggregate per-prompt scores for plots: their distribution, and the gain in each package."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from codetune.compare.intervals import settings_of
from codetune.history.reports import Reports, Variant
from codetune.stats.families import GroupGain, compare_groups

BIN_WIDTH = 0.05


@dataclass(frozen=True)
class Bin:
    """One bar of a histogram.

    :param start: lower edge, inclusive.
    :param end: upper edge, exclusive.
    :param share: share of the prompts with a score in the bin, 0 to 1.
    """

    start: float
    end: float
    share: float


def histogram(reports: Reports, role: Variant, score: str) -> list[Bin]:
    """The distribution of one score of one model. All revisions have the same bin edges, multiples of `BIN_WIDTH`.

    :param score: key of the per-prompt score.
    """
    values = [scores.of(role)[score] for scores in reports.scores.values() if score in scores.of(role)]
    counts: dict[int, int] = defaultdict(int)
    for value in values:
        counts[math.floor(value / BIN_WIDTH + 1e-9)] += 1
    span = range(min(counts), max(counts) + 1) if counts else range(0)
    return [
        Bin(round(place * BIN_WIDTH, 6), round((place + 1) * BIN_WIDTH, 6), counts[place] / len(values))
        for place in span
    ]


def gain_by_package(reports: Reports, score: str) -> list[GroupGain]:
    """The gain in each package, the largest first. Packages with one prompt are left out: they have no interval.

    :param score: key of the per-prompt score.
    """
    known = [each for each in reports.scores.values() if score in each.base and score in each.tuned]
    pair = ([each.base[score] for each in known], [each.tuned[score] for each in known])
    found = compare_groups([each.group for each in known], pair, settings_of(reports.params))
    return [gain for gain in found if gain.low is not None]
