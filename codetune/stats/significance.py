"""Significance of mean differences: paired tests, the correction for many tests, and the detectable difference.

Differences are whole millionths. Their sums are exact in double precision, so every result is the same on every
processor.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from codetune.stats.pairs import MILLION, Pair, Scores, millionths

_PORTION = 1 << 22  # signs drawn at a time
_KEPT = 1 << 23  # the most signs to cache for the next comparison of as many prompts; 8 MiB
_POWER = 0.8
_Signs = np.ndarray[tuple[int, int], np.dtype[np.int8]]


def paired_p_value(baseline: Scores, candidate: Scores, *, samples: int, seed: int) -> float:
    """Return the p-value for one metric, see `paired_p_values`."""
    return paired_p_values([(baseline, candidate)], samples=samples, seed=seed)[0]


def paired_p_values(pairs: Sequence[Pair], *, samples: int, seed: int) -> list[float]:
    """Return the two-sided p-value of each metric: McNemar's test if all scores are 0 or 1, else a permutation test.

    :param pairs: for each metric, the scores of baseline and candidate, each of shape `(n,)`, on the same n prompts.
    :param samples: the number of random sign choices of a permutation test.
    :param seed: the random seed of the signs.
    """
    exact = [old == new or {*old, *new} <= {0.0, 1.0} for old, new in pairs]  # for equal scores, both tests give 1
    others = [pair for pair, right in zip(pairs, exact, strict=True) if not right]
    permuted = iter(permutation_ps(others, samples=samples, seed=seed) if others else ())
    return [mcnemar_p(*pair) if right else next(permuted) for pair, right in zip(pairs, exact, strict=True)]


def permutation_p(baseline: Scores, candidate: Scores, *, samples: int, seed: int) -> float:
    """Return the p-value of the permutation test for one metric, see `permutation_ps`."""
    return permutation_ps([(baseline, candidate)], samples=samples, seed=seed)[0]


def permutation_ps(pairs: Sequence[Pair], *, samples: int, seed: int) -> list[float]:
    """Return the two-sided p-values of the paired permutation test on mean differences (Fisher 1935, Good 2005).

    If the models are equally good, each difference is as likely to have the other sign. The p-value is the share of
    random sign choices whose sum is at least as far from zero as the observed sum. The observed signs count as one
    more choice.

    :param pairs: see `paired_p_values`; all metrics use the same sign choices.
    :param samples: the number of random sign choices.
    :param seed: the random seed of the signs.
    """
    differences = np.array([millionths(pair) for pair in pairs], np.float64)
    totals = differences.sum(axis=1)
    beyond = np.zeros(len(pairs), np.int64)
    for signs in _signs(differences.shape[1], samples, seed):
        # The sum of the differences that keep their sign, minus the sum of the others. No matrix product, because its
        # threads wait for each other when the processor is busy with other work.
        sums = 2 * np.einsum("ij,kj->ik", signs.astype(np.float64), differences) - totals
        beyond += (np.abs(sums) >= np.abs(totals)).sum(axis=0)
    return [float((count + 1) / (samples + 1)) for count in beyond.tolist()]


def _signs(size: int, samples: int, seed: int) -> Iterator[_Signs]:
    """Yield random sign choices in blocks of shape `(choices, size)`: 1 if a difference keeps its sign, else 0."""
    return iter(_kept_signs(size, samples, seed)) if size * samples <= _KEPT else _draw(size, samples, seed)


@lru_cache(maxsize=2)
def _kept_signs(size: int, samples: int, seed: int) -> tuple[_Signs, ...]:
    return tuple(_draw(size, samples, seed))


def _draw(size: int, samples: int, seed: int) -> Iterator[_Signs]:
    generator = np.random.default_rng(seed)
    rows = max(1, _PORTION // size)
    for start in range(0, samples, rows):
        yield generator.integers(0, 2, size=(min(rows, samples - start), size), dtype=np.int8)


def mcnemar_p(baseline: Scores, candidate: Scores) -> float:
    """Return the two-sided p-value of McNemar's exact test (1947) on answers that are right (1) or wrong (0).

    Only prompts on which the two models disagree count. If the models are equally good, each is right on half of
    these. The result is never 0: if it is too small for a float, the smallest positive normal float is returned.
    (scipy.stats.binomtest differs in the last digits, which depend on the processor. It returns 0 if more than about
    1,000 prompts all changed in the same direction.)
    """
    old, new = np.array(baseline), np.array(candidate)
    gained, lost = int((new > old).sum()), int((new < old).sum())
    moved = gained + lost
    tail = sum(math.comb(moved, count) for count in range(min(gained, lost) + 1))
    return min(1.0, max(sys.float_info.min, float(2 * tail / 2**moved)))


def holm(values: list[float]) -> list[float]:
    """Correct the p-values of several tests with Holm's method (1979), in the order given.

    The correction bounds the probability of at least one false positive among all tests.
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected = [1.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = highest
    return corrected


def detectable_difference(baseline: Scores, candidate: Scores, confidence: float) -> float:
    """Return the smallest true mean difference that a test on these prompts would find with a probability of 0.8.

    The normal approximation is used: `(z of confidence + z of power) · standard error`, with a power of 0.8.

    :param confidence: 1 minus the significance level of the two-sided test.
    """
    differences = millionths((baseline, candidate))
    size = len(differences)
    total = int(differences.sum())
    spread = size * sum(int(value) ** 2 for value in differences) - total**2
    error = math.sqrt(spread / (size * max(1, size - 1))) / math.sqrt(size) / MILLION
    normal = NormalDist()
    return (normal.inv_cdf(0.5 + confidence / 2) + normal.inv_cdf(_POWER)) * error
