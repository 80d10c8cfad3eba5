"""Whether a difference could be chance: paired tests, their correction, and what a test set could have shown.

Sums are of whole millionths, which are exact in double precision: every number is the same on every processor.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from codetune.stats.pairs import MILLION, Pair, Scores, millionths

_PORTION = 1 << 22  # signs that are drawn at a time
_KEPT = 1 << 23  # signs that are kept for the next comparison of as many prompts, at the most; 8 MiB
_POWER = 0.8
_Signs = np.ndarray[tuple[int, int], np.dtype[np.int8]]


def paired_p(baseline: Scores, candidate: Scores, *, samples: int, seed: int) -> float:
    """As `paired_ps`, of one metric."""
    return paired_ps([(baseline, candidate)], samples=samples, seed=seed)[0]


def paired_ps(pairs: Sequence[Pair], *, samples: int, seed: int) -> list[float]:
    """For each metric the two-sided p-value of the test that suits it: McNemar's of 0 and 1, else by permutation.

    :param pairs: scores of baseline and candidate, each of shape `(n,)`, of the same n prompts in the same order.
    """
    exact = [old == new or {*old, *new} <= {0.0, 1.0} for old, new in pairs]  # of equal scores either test says 1
    others = [pair for pair, right in zip(pairs, exact, strict=True) if not right]
    permuted = iter(permutation_ps(others, samples=samples, seed=seed) if others else ())
    return [mcnemar_p(*pair) if right else next(permuted) for pair, right in zip(pairs, exact, strict=True)]


def permutation_p(baseline: Scores, candidate: Scores, *, samples: int, seed: int) -> float:
    """As `permutation_ps`, of one metric."""
    return permutation_ps([(baseline, candidate)], samples=samples, seed=seed)[0]


def permutation_ps(pairs: Sequence[Pair], *, samples: int, seed: int) -> list[float]:
    """The two-sided p-values of the paired permutation test on mean differences (Fisher 1935, Good 2005).

    If nothing has changed, each difference may as well have the other sign: the share of `samples` random choices of
    signs whose sum is at least as far from zero, the one that was found counted in.

    :param pairs: as of `paired_ps`; all metrics are given the same choices of signs.
    """
    differences = np.array([millionths(pair) for pair in pairs], np.float64)
    totals = differences.sum(axis=1)
    beyond = np.zeros(len(pairs), np.int64)
    for signs in _signs(differences.shape[1], samples, seed):
        # The sum of the differences that keep their sign, less that of those that do not. Not by a product of matrices:
        # the threads of one wait for each other where the processor has other work.
        sums = 2 * np.einsum("ij,kj->ik", signs.astype(np.float64), differences) - totals
        beyond += (np.abs(sums) >= np.abs(totals)).sum(axis=0)
    return [float((count + 1) / (samples + 1)) for count in beyond.tolist()]


def _signs(size: int, samples: int, seed: int) -> Iterator[_Signs]:
    """Random choices of the differences that keep their sign, of shape `(choices, size)`, some choices at a time."""
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
    """The two-sided p-value of the exact test of McNemar (1947) on answers that are right (1) or wrong (0).

    Only prompts on which the two disagree count; if nothing has changed, either is right on half of them. Never 0: what
    is too small for a number counts as the smallest there is. (scipy.stats.binomtest differs in the last digits, which
    depend on the processor, and says 0 where more than some 1,000 prompts all moved one way.)
    """
    old, new = np.array(baseline), np.array(candidate)
    gained, lost = int((new > old).sum()), int((new < old).sum())
    moved = gained + lost
    tail = sum(math.comb(moved, count) for count in range(min(gained, lost) + 1))
    return min(1.0, max(sys.float_info.min, float(2 * tail / 2**moved)))


def holm(values: list[float]) -> list[float]:
    """The p-values of several tests, corrected so that one false alarm among all of them is as rare (Holm 1979)."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected = [1.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = highest
    return corrected


def detectable_difference(baseline: Scores, candidate: Scores, confidence: float) -> float:
    """The smallest true difference of means that these prompts would have shown in four of five cases.

    By the normal approximation: `(z of confidence + z of power) · standard error`, with a power of 0.8.
    """
    differences = millionths((baseline, candidate))
    size = len(differences)
    total = int(differences.sum())
    spread = size * sum(int(value) ** 2 for value in differences) - total**2
    error = math.sqrt(spread / (size * max(1, size - 1))) / math.sqrt(size) / MILLION
    normal = NormalDist()
    return (normal.inv_cdf(0.5 + confidence / 2) + normal.inv_cdf(_POWER)) * error
