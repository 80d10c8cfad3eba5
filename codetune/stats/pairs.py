"""Scores of two models on the same prompts, and their differences."""

from __future__ import annotations

import numpy as np

MILLION = 1e6
Scores = list[float]
Pair = tuple[Scores, Scores]
"""The scores of baseline and candidate, each of shape `(n,)`, on the same n prompts in the same order."""


def millionths(pair: Pair) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the differences candidate minus baseline in whole millionths, of shape `(n,)`.

    Sums of whole numbers are exact, so they are the same on every processor.

    :raises ValueError: if the lists are empty or differ in length.
    """
    baseline, candidate = pair
    if not baseline or len(baseline) != len(candidate):
        raise ValueError(
            f"expected two lists of the same length, none of them empty, found lengths {len(baseline)} and "
            f"{len(candidate)}"
        )
    differences = np.array(candidate, np.float64) - np.array(baseline, np.float64)
    return np.rint(differences * MILLION).astype(np.int64)
