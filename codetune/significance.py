"""Whether a difference could be chance: paired tests, their correction, and what a test set could have shown.

Sums are of whole millionths, so that every number is the same on every processor.
"""

from __future__ import annotations

import math
import sys
from statistics import NormalDist

import numpy as np

_MILLION = 1e6
_PORTION = 1 << 22  # signs that are in memory at a time
_POWER = 0.8


def permutation_p(baseline: list[float], candidate: list[float], *, samples: int, seed: int) -> float:
    """The two-sided p-value of the paired permutation test on the mean difference (Fisher 1935, Good 2005).

    If nothing has changed, each difference may as well have the other sign: the share of `samples` random choices of
    signs whose sum is at least as far from zero, the one that was found counted in.

    :param baseline: scores of shape `(n,)`; `candidate` has those of the same prompts in the same order.
    """
    differences = _millionths(baseline, candidate)
    found = abs(int(differences.sum()))
    generator = np.random.default_rng(seed)
    rows = max(1, _PORTION // len(differences))
    beyond = 0
    for start in range(0, samples, rows):
        signs = generator.integers(0, 2, size=(min(rows, samples - start), len(differences)), dtype=np.int8)
        # The sum of the differences that keep their sign, less that of those that do not.
        sums = 2 * (signs @ differences) - differences.sum()
        beyond += int((np.abs(sums) >= found).sum())
    return (beyond + 1) / (samples + 1)


def paired_p(baseline: list[float], candidate: list[float], *, samples: int, seed: int) -> float:
    """The two-sided p-value of the test that suits the scores: McNemar's where each is 0 or 1, else by permutation."""
    if {*baseline, *candidate} <= {0.0, 1.0}:
        return mcnemar_p(baseline, candidate)
    return permutation_p(baseline, candidate, samples=samples, seed=seed)


def mcnemar_p(baseline: list[float], candidate: list[float]) -> float:
    """The two-sided p-value of the exact test of McNemar (1947) on answers that are right (1) or wrong (0).

    Only prompts on which the two disagree count; if nothing has changed, either is right on half of them. Never 0: what
    is too small for a number counts as the smallest there is.
    """
    gained = sum(new > old for old, new in zip(baseline, candidate, strict=True))
    lost = sum(new < old for old, new in zip(baseline, candidate, strict=True))
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


def detectable_difference(baseline: list[float], candidate: list[float], confidence: float) -> float:
    """The smallest true difference of means that these prompts would have shown in four of five cases.

    By the normal approximation: `(z of confidence + z of power) · standard error`, with a power of 0.8.
    """
    differences = _millionths(baseline, candidate)
    size = len(differences)
    total = int(differences.sum())
    spread = size * sum(int(value) ** 2 for value in differences) - total**2
    error = math.sqrt(spread / (size * max(1, size - 1))) / math.sqrt(size) / _MILLION
    normal = NormalDist()
    return (normal.inv_cdf(0.5 + confidence / 2) + normal.inv_cdf(_POWER)) * error


def _millionths(baseline: list[float], candidate: list[float]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if not baseline or len(baseline) != len(candidate):
        raise ValueError(f"expected two lists of the same length, found {len(baseline)} and {len(candidate)}")
    return np.array([round((new - old) * _MILLION) for old, new in zip(baseline, candidate, strict=True)], np.int64)
