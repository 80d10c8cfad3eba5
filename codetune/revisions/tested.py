"""All metrics of two models tested at once: what is drawn is drawn once; the numbers are those of the single tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from codetune.intervals import Interval, paired_intervals
from codetune.revisions.intervals import BootstrapSettings
from codetune.significance import mcnemar_p

Scores = list[float]
_Signs = np.ndarray[tuple[int, int], np.dtype[np.int8]]
_PORTION = 1 << 22  # signs that are drawn at a time, as in `codetune.significance`, whose draws these have to be
_KEPT = 1 << 23  # signs that are kept for the next comparison of as many prompts, at the most; 8 MiB
PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Tested:
    """The interval of a mean difference, and the two-sided p-value of its paired test."""

    interval: Interval
    p_value: float


def paired_tests(pairs: Sequence[tuple[Scores, Scores]], settings: BootstrapSettings) -> list[Tested]:
    """For each metric the bootstrap interval of candidate less baseline, and the p-value that suits its scores.

    As `codetune.intervals.paired_interval` and `codetune.significance.paired_p` for each metric by itself.

    :param pairs: scores of baseline and candidate, each of shape `(n,)`, of the same n prompts in the same order.
    """
    if not pairs:
        return []
    intervals = paired_intervals(pairs, samples=settings.samples, confidence=settings.confidence, seed=settings.seed)
    # Of equal scores either test says 1.
    exact = [old == new or {*old, *new} <= {0.0, 1.0} for old, new in pairs]
    permuted = iter(
        _permutation_ps([pair for pair, right in zip(pairs, exact, strict=True) if not right], settings.seed)
    )
    return [
        Tested(interval, mcnemar_p(*pair) if right else next(permuted))
        for interval, pair, right in zip(intervals, pairs, exact, strict=True)
    ]


def _permutation_ps(pairs: Sequence[tuple[Scores, Scores]], seed: int) -> list[float]:
    """The p-values of `codetune.significance.permutation_p` for several metrics of the same prompts."""
    if not pairs:
        return []
    # Products and sums of whole millionths are exact in double precision, in any order.
    differences = np.array(
        [[round((new - old) * 1e6) for old, new in zip(*pair, strict=True)] for pair in pairs], np.float64
    )
    totals = differences.sum(axis=1)
    beyond = np.zeros(len(pairs), np.int64)
    for signs in _signs(differences.shape[1], seed):
        # Not a product of matrices: the threads of one wait for each other where the processor has other work.
        sums = 2 * np.einsum("ij,kj->ik", signs.astype(np.float64), differences) - totals
        beyond += (np.abs(sums) >= np.abs(totals)).sum(axis=0)
    return [float((count + 1) / (PERMUTATIONS + 1)) for count in beyond.tolist()]


def _signs(size: int, seed: int) -> Iterator[_Signs]:
    """Random choices of the differences that keep their sign, of shape `(choices, size)`, some choices at a time."""
    return iter(_kept_signs(size, seed)) if size * PERMUTATIONS <= _KEPT else _draw(size, seed)


@lru_cache(maxsize=2)
def _kept_signs(size: int, seed: int) -> tuple[_Signs, ...]:
    return tuple(_draw(size, seed))


def _draw(size: int, seed: int) -> Iterator[_Signs]:
    generator = np.random.default_rng(seed)
    rows = max(1, _PORTION // size)
    for start in range(0, PERMUTATIONS, rows):
        yield generator.integers(0, 2, size=(min(rows, PERMUTATIONS - start), size), dtype=np.int8)
