"""Sets of shingles as sorted hashes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

Hashes = NDArray[np.uint64]


def hashed(shingles: frozenset[str]) -> Hashes:
    """The hashes of a set, sorted; the same on every machine and in every process."""
    (hashes,) = RMinHash.hash_token_sets([list(shingles)])
    return np.unique(np.array(hashes, np.uint64))


def jaccards(own: Hashes, others: Sequence[Hashes]) -> NDArray[np.float64]:
    """The Jaccard of a set with each of `others`, none of them empty; exact but for equal hashes of 64 bits."""
    sizes = np.array([len(other) for other in others])
    flat = np.concatenate(others)
    places = np.minimum(np.searchsorted(own, flat), len(own) - 1)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    common = np.add.reduceat((own[places] == flat).astype(np.int64), starts)
    return np.asarray(common / (len(own) + sizes - common), np.float64)
