"""Per-prompt scores summed up for a picture: how they are distributed, and what tuning gained in each package."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from codetune.compare.intervals import settings_of
from codetune.history.reports import Reports, Role
from codetune.stats.families import GroupGain, by_group

BIN_WIDTH = 0.05


@dataclass(frozen=True)
class Bin:
    """One bar of a histogram: the scores from `start` up to, not including, `end`, and their share of all prompts."""

    start: float
    end: float
    share: float


def histogram(reports: Reports, role: Role, score: str) -> list[Bin]:
    """How one score of one model is distributed, in bins of `BIN_WIDTH` whose edges are the same for all revisions."""
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
    """What tuning gained in each package, largest first; packages of one prompt have no interval and are left out."""
    known = [each for each in reports.scores.values() if score in each.base and score in each.tuned]
    pair = ([each.base[score] for each in known], [each.tuned[score] for each in known])
    found = by_group([each.group for each in known], pair, settings_of(reports.params))
    return [gain for gain in found if gain.low is not None]
