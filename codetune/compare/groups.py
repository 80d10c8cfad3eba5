"""Per-prompt scores summed up for a picture: how they are distributed, and what tuning gained in each package."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import asdict, dataclass

from codetune.compare.intervals import settings_of
from codetune.history.reports import Reports, Role
from codetune.stats.intervals import paired_interval

BIN_WIDTH = 0.05


@dataclass(frozen=True)
class Bin:
    """One bar of a histogram: the scores from `start` up to, not including, `end`, and their share of all prompts."""

    start: float
    end: float
    share: float


@dataclass(frozen=True)
class PackageGain:
    """The mean gain of tuning over the prompts of one package, with its interval."""

    package: str
    prompts: int
    gain: float
    low: float
    high: float


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


def gain_by_package(reports: Reports, score: str) -> list[PackageGain]:
    """What tuning gained in each package, largest first; packages of one prompt have no interval and are left out."""
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for scores in reports.scores.values():
        if score in scores.base and score in scores.tuned:
            pairs[scores.group].append((scores.base[score], scores.tuned[score]))
    settings = asdict(settings_of(reports.params))
    gains = []
    for package, values in pairs.items():
        if len(values) > 1:
            interval = paired_interval([old for old, _ in values], [new for _, new in values], **settings)
            gains.append(PackageGain(package, len(values), interval.mean, interval.low, interval.high))
    return sorted(gains, key=lambda gain: (-gain.gain, gain.package))
