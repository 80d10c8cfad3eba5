"""Confidence intervals: of a mean difference by the paired bootstrap (Koehn 2004, Efron 1979), and of a proportion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from codetune.stats.pairs import MILLION, Pair, Scores, millionths

_Array = np.ndarray[tuple[int, int], np.dtype[np.float64]]
_PORTION = 1 << 21  # counts in memory at a time; 16 MiB
_KEPT = 1 << 23  # the most counts to cache for the next metric of the same prompts; 64 MiB


@dataclass(frozen=True)
class Interval:
    """A mean difference and the two ends of its percentile interval."""

    mean: float
    low: float
    high: float


def paired_interval(baseline: Scores, candidate: Scores, *, samples: int, confidence: float, seed: int) -> Interval:
    """Return the mean difference and its interval for one metric, see `paired_intervals`."""
    [found] = paired_intervals([(baseline, candidate)], samples=samples, confidence=confidence, seed=seed)
    return found


def paired_intervals(pairs: Sequence[Pair], *, samples: int, confidence: float, seed: int) -> list[Interval]:
    """Return the mean difference and its bootstrap percentile interval for each metric.

    A difference is candidate minus baseline. Each resample draws whole prompts, so both scores of a prompt stay
    together. Differences are rounded to whole millionths first: then sums are exact, and the result is the same on
    every processor.

    :param pairs: for each metric, the scores of baseline and candidate, each of shape `(n,)`, on the same n prompts.
    :param samples: the number of resamples of the n prompts; all metrics use the same resamples.
    :param confidence: the share of the resampled means between `low` and `high`, from 0 to 1.
    :param seed: the random seed for the resamples.
    :raises ValueError: if a list is empty or the lengths differ.
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
    """Yield how often each resample drew each prompt, in blocks of shape `(resamples, size)`.

    Matrix products of these counts with whole millionths are exact in double precision, in any order of summation.
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
    """Return a quantile by linear interpolation between the two nearest values of `ordered` (numpy's default)."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below]) + (float(ordered[above]) - float(ordered[below])) * (place - below)


def wilson_interval(right: int, total: int, confidence: float) -> tuple[float, float]:
    """Return Wilson's score interval (1927) for a proportion. It is also accurate for proportions near 0 and 1.

    :param right: the number of successes.
    :param total: the number of trials, 1 or more.
    :param confidence: from 0 to 1.
    :returns: the lower and the upper end, from 0 to 1.
    """
    share, z = right / total, NormalDist().inv_cdf(0.5 + confidence / 2)
    middle = share + z**2 / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    low, high = ((middle + end) / (1 + z**2 / total) for end in (-reach, reach))
    return max(low, 0.0), min(high, 1.0)
