"""Represent sets of shingles as sorted arrays of hashes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

Hashes = NDArray[np.uint64]


def hashed(shingles: frozenset[str]) -> Hashes:
    """Hash a set of shingles; the result is the same on every machine and in every process.

    :returns: the different hashes, sorted, shape (n,).
    """
    (hashes,) = RMinHash.hash_token_sets([list(shingles)])
    return np.unique(np.array(hashes, np.uint64))


def jaccards(own: Hashes, others: Sequence[Hashes]) -> NDArray[np.float64]:
    """Return the Jaccard similarity of a set with each of the others; exact except for collisions of 64-bit hashes.

    :param own: hashes of the set.
    :param others: hashes of the other sets, none of them empty.
    :returns: shape (len(others),).
    """
    sizes = np.array([len(other) for other in others])
    flat = np.concatenate(others)
    places = np.minimum(np.searchsorted(own, flat), len(own) - 1)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    common = np.add.reduceat((own[places] == flat).astype(np.int64), starts)
    return np.asarray(common / (len(own) + sizes - common), np.float64)
