"""How sure a difference of means is: the paired bootstrap (Koehn 2004, Efron 1979)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A mean difference and the ends of its percentile interval."""

    mean: float
    low: float
    high: float


def paired_interval(
    baseline: list[float], candidate: list[float], *, samples: int, confidence: float, seed: int
) -> Interval:
    """The mean of candidate less baseline over the prompts, with its bootstrap percentile interval.

    Pairs are kept together. Values are rounded to whole millionths first, so that sums are exact and the result is the
    same on every processor.

    :param baseline: scores of shape `(n,)`; `candidate` has those of the same prompts in the same order.
    :param samples: resamples of the n prompts.
    :param confidence: share of the resampled means between `low` and `high`.
    :raises ValueError: when the lists are empty or differ in length.
    """
    if not baseline or len(baseline) != len(candidate):
        raise ValueError(f"expected two lists of the same length, found {len(baseline)} and {len(candidate)}")
    differences = np.array([round((new - old) * 1e6) for old, new in zip(baseline, candidate, strict=True)], np.int64)
    generator = np.random.default_rng(seed)
    picks = generator.integers(0, len(differences), size=(samples, len(differences)))
    sums = np.sort(differences[picks].sum(axis=1))
    tail = (1.0 - confidence) / 2.0
    scale = 1e6 * len(differences)
    return Interval(int(differences.sum()) / scale, _quantile(sums, tail) / scale, _quantile(sums, 1.0 - tail) / scale)


def _quantile(ordered: np.ndarray[tuple[int], np.dtype[np.int64]], share: float) -> float:
    """The quantile by linear interpolation between the two nearest of `ordered` (numpy's default)."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return int(ordered[below]) + (int(ordered[above]) - int(ordered[below])) * (place - below)
