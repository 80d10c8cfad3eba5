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
    sizes, common = _common(own, others)
    return np.asarray(common / (len(own) + sizes - common), np.float64)


def contained_shares(own: Hashes, others: Sequence[Hashes]) -> NDArray[np.float64]:
    """Return the share of each of the other sets that a set contains.

    :param own: hashes of the set.
    :param others: hashes of the other sets, none of them empty.
    :returns: shape (len(others),).
    """
    sizes, common = _common(own, others)
    return np.asarray(common / sizes, np.float64)


def _common(own: Hashes, others: Sequence[Hashes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the size of each other set, and of its intersection with `own`; both have the shape (len(others),)."""
    sizes = np.array([len(other) for other in others])
    flat = np.concatenate(others)
    places = np.minimum(np.searchsorted(own, flat), len(own) - 1)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return sizes, np.add.reduceat((own[places] == flat).astype(np.int64), starts)
