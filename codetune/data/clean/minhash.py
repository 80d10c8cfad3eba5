"""Sets of shingles as sorted hashes, and which of many sets may be similar: MinHash with bands.

Four of 128 permutations make up a band, and two sets that agree in all of one band share its bucket: at a Jaccard of
0.7 all but two pairs in ten thousand do, 1 - (1 - 0.7 ** 4) ** 32 (Leskovec, Rajaraman, Ullman: Mining of Massive
Datasets, chapter 3). The index is a sort per band, of 12 bytes per row and band whatever the rows have in common.

Among a million rows the sets that share one bucket by chance are thousands for each. Where there are so many, those are
compared that share two: of pairs at a Jaccard of 0.7, 998 in a thousand do, of those at 0.1 one in 200,000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

Hashes = NDArray[np.uint64]

PERMUTATIONS = 128
_BANDS = 32
_SEED = 42
_BLOCK_ROWS = 4096
# Rows in a row's buckets from which one bucket in common is not enough.
_CROWD = 500
# Any odd numbers do: sets that come together by chance are told apart by their true Jaccard.
_MIXERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)


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


def _band_keys(sets: Sequence[Hashes]) -> Hashes:
    """One number per band and set, of shape (bands, sets): equal where the band is."""
    keys = np.empty((_BANDS, len(sets)), np.uint64)
    for start in range(0, len(sets), _BLOCK_ROWS):
        block = sets[start : start + _BLOCK_ROWS]
        offsets = np.concatenate(([0], np.cumsum([len(own) for own in block]))).astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(block), offsets, PERMUTATIONS, _SEED)
        digests = np.array(matrix.to_rows(), np.uint32).view(np.uint64).reshape(len(block), _BANDS, len(_MIXERS))
        keys[:, start : start + len(block)] = (digests * _MIXERS).sum(axis=2, dtype=np.uint64).T
    return keys


def _sorted_bands(sets: Sequence[Hashes]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """The rows of every band by bucket and then in order, the place of each row there, and where its bucket starts.

    :returns: three arrays of shapes (bands, sets), (sets, bands) and (sets, bands).
    """
    keys = _band_keys(sets)
    count = len(sets)
    rows = np.empty((_BANDS, count), np.int32)
    places, starts = np.empty((count, _BANDS), np.int32), np.empty((count, _BANDS), np.int32)
    numbers = np.arange(count, dtype=np.int32)
    for band, own in enumerate(keys):
        order = np.argsort(own, kind="stable")
        first = np.concatenate(([True], np.diff(own[order]) != 0))[:count]
        rows[band] = order
        places[order, band] = numbers
        starts[order, band] = np.maximum.accumulate(np.where(first, numbers, 0))
    return rows, places, starts


def candidates(sets: Sequence[Hashes], kept: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield the rows that share buckets with earlier ones that are kept, in order, each with those rows, in order.

    :param sets: none of them empty.
    :param kept: whether each row is kept; read as rows come up, so that it can be changed meanwhile.
    """
    rows, places, starts = _sorted_bands(sets)
    for row in np.flatnonzero((places > starts).any(axis=1)).tolist():
        shared = np.flatnonzero(places[row] > starts[row])
        slices = zip(shared.tolist(), starts[row, shared].tolist(), places[row, shared].tolist(), strict=True)
        others = np.concatenate([rows[band, start:end] for band, start, end in slices])
        others = np.sort(others[kept[others]])
        again = others[1:] == others[:-1]
        others = others[1:][again] if len(others) > _CROWD else others
        if len(others):
            yield row, others[np.concatenate(([True], np.diff(others) != 0))]
