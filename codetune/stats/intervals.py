"""How sure a difference of means is: the paired bootstrap (Koehn 2004, Efron 1979); how sure a share is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from codetune.stats.pairs import MILLION, Pair, Scores, millionths

_Array = np.ndarray[tuple[int, int], np.dtype[np.float64]]
_PORTION = 1 << 21  # counts that are in memory at a time; 16 MiB
_KEPT = 1 << 23  # counts that are kept for the next metric of the same prompts, at the most; 64 MiB


@dataclass(frozen=True)
class Interval:
    """A mean difference and the ends of its percentile interval."""

    mean: float
    low: float
    high: float


def paired_interval(baseline: Scores, candidate: Scores, *, samples: int, confidence: float, seed: int) -> Interval:
    """As `paired_intervals`, of one metric."""
    [found] = paired_intervals([(baseline, candidate)], samples=samples, confidence=confidence, seed=seed)
    return found


def paired_intervals(pairs: Sequence[Pair], *, samples: int, confidence: float, seed: int) -> list[Interval]:
    """For each metric the mean of candidate less baseline over the prompts, with its bootstrap percentile interval.

    Pairs are kept together. Values are rounded to whole millionths first, so that sums are exact and the result is the
    same on every processor.

    :param pairs: scores of baseline and candidate, each of shape `(n,)`, of the same n prompts in the same order.
    :param samples: resamples of the n prompts; all metrics are given the same ones.
    :param confidence: share of the resampled means between `low` and `high`.
    :raises ValueError: when lists are empty or differ in length.
    """
    lengths = {len(scores) for pair in pairs for scores in pair}
    if len(lengths) != 1 or not min(lengths):
        raise ValueError(f"expected lists of the same length, none of them empty, found lengths {sorted(lengths)}")
    [size] = lengths
    differences = np.array([millionths(pair) for pair in pairs], np.float64)
    drawn = [counts @ differences.T for counts in _counts(size, samples, seed)]
    sums = np.sort(np.concatenate(drawn).T, axis=1)
    tail = (1.0 - confidence) / 2.0
    scale = MILLION * size
    return [
        Interval(total / scale, _quantile(row, tail) / scale, _quantile(row, 1.0 - tail) / scale)
        for total, row in zip(differences.sum(axis=1).tolist(), sums, strict=True)
    ]


def _counts(size: int, samples: int, seed: int) -> Iterator[_Array]:
    """How often each resample took each prompt, of shape `(resamples, size)`, some resamples at a time.

    Products with whole numbers of this size are exact in double precision, in any order of the sums.
    """
    return iter(_kept_counts(size, samples, seed)) if size * samples <= _KEPT else _draw(size, samples, seed)


@lru_cache(maxsize=2)
def _kept_counts(size: int, samples: int, seed: int) -> tuple[_Array, ...]:
    return tuple(_draw(size, samples, seed))


def _draw(size: int, samples: int, seed: int) -> Iterator[_Array]:
    generator = np.random.default_rng(seed)
    rows = max(1, _PORTION // size)
    for start in range(0, samples, rows):
        count = min(rows, samples - start)
        picks = generator.integers(0, size, size=(count, size))
        picks += np.arange(count)[:, None] * size
        yield np.bincount(picks.ravel(), minlength=count * size).astype(np.float64).reshape(count, size)


def _quantile(ordered: np.ndarray[tuple[int], np.dtype[np.float64]], share: float) -> float:
    """The quantile by linear interpolation between the two nearest of `ordered` (numpy's default)."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below]) + (float(ordered[above]) - float(ordered[below])) * (place - below)


def wilson_interval(right: int, total: int, confidence: float) -> tuple[float, float]:
    """The ends of Wilson's interval of a share (1927), which holds near 0 and 1 as well."""
    share, z = right / total, NormalDist().inv_cdf(0.5 + confidence / 2)
    middle = share + z**2 / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    low, high = ((middle + end) / (1 + z**2 / total) for end in (-reach, reach))
    return max(low, 0.0), min(high, 1.0)
