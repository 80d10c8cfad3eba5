"""Find the sets that can have a Jaccard similarity of at least t with a given set: an exact prefix filter.

All shingles are put in one order, the rarest first. Two sets x and y with a Jaccard similarity of at least t share at
least t / (1 + t) * (|x| + |y|) shingles. So in both sets, enough shingles must follow the first one that they share.
Therefore only the first shingles of a set (its prefix) need to be looked up. They are rare. Shingles that thousands of
rows share come last and are never looked up (Chaudhuri, Ganti, Kaushik: A Primitive Operator for Similarity Joins in
Data Cleaning, 2006; Xiao, Wang, Lin, Yu: Efficient Similarity Joins for Near Duplicate Detection, 2008). The result is
the same for every order; a better order is only faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from codetune.data.clean.shingle_hashes import Hashes

Places = NDArray[np.int32]

_BLOCK_ROWS = 4096
# Number of slots for counting shingles. Shingles in the same slot seem more frequent; the result stays the same.
_LEAST_SLOTS, _MOST_SLOTS = 1 << 16, 1 << 26
# Tolerance for rounding errors in the product of a share and a set size.
_ROUNDING = 1e-9


_Sizes = TypeVar("_Sizes", int, NDArray[np.int64])


def min_remaining(size: _Sizes, threshold: float) -> Any:
    """Return how many shingles a set must have from its first shared shingle on, itself included, to be similar.

    :param size: size of the set, or an array of sizes.
    :param threshold: smallest Jaccard similarity.
    :returns: a lower bound, of the shape of `size`.
    """
    return threshold * size - _ROUNDING


def min_remaining_for_larger(size: _Sizes, threshold: float) -> Any:
    """Return the lower bound of `min_remaining` if the similar set is at least as large.

    :param size: size of the set, or an array of sizes.
    :param threshold: smallest Jaccard similarity.
    """
    return 2 * threshold / (1 + threshold) * size - _ROUNDING


class _Heads(NamedTuple):
    """The prefixes of sets, ordered by row, then from the rarest shingle on.

    :param shingles: hashes, shape (entries,).
    :param counts: number of entries of each row, shape (rows,).
    :param left: number of shingles of the set from each entry to the end, itself included, shape (entries,).
    """

    shingles: Hashes
    counts: NDArray[np.int64]
    left: Places


def _blocks(sets: Sequence[Hashes]) -> Iterator[Sequence[Hashes]]:
    for start in range(0, len(sets), _BLOCK_ROWS):
        yield sets[start : start + _BLOCK_ROWS]


class Rarity:
    """Approximate count of each shingle in sets; shingles in the same slot are counted together."""

    def __init__(self, sets: Sequence[Hashes]) -> None:
        wanted = 2 * sum(map(len, sets))
        slots = min(max(1 << max(wanted - 1, 0).bit_length(), _LEAST_SLOTS), _MOST_SLOTS)
        self._mask = np.uint64(slots - 1)
        self._counts = np.zeros(slots, np.uint32)
        for block in _blocks(sets):
            np.add.at(self._counts, (np.concatenate(block) & self._mask).astype(np.intp), np.uint32(1))

    def of(self, shingles: Hashes) -> NDArray[np.uint32]:
        """Return the count of each shingle, in the shape of `shingles`."""
        return np.take(self._counts, (shingles & self._mask).astype(np.intp))


def _heads(sets: Sequence[Hashes], rarity: Rarity, threshold: float) -> Iterator[_Heads]:
    """Yield, block by block, the prefixes that contain the first shared shingle with any similar set."""
    for block in _blocks(sets):
        sizes = np.array([len(own) for own in block])
        flat = np.concatenate(block)
        rows = np.repeat(np.arange(len(block)), sizes)
        order = np.argsort((rows.astype(np.uint64) << np.uint64(32)) | rarity.of(flat), kind="stable")
        left = np.cumsum(sizes)[rows] - np.arange(len(flat))
        chosen = left >= min_remaining(sizes[rows], threshold)
        counts = np.bincount(rows[chosen], minlength=len(block))
        yield _Heads(flat[order][chosen], counts, left[chosen].astype(np.int32))


def _numbered(shingles: Hashes) -> tuple[Places, int]:
    """Number the shingles that occur more than once.

    :returns: the number of each shingle, -1 for those that occur once, and how many numbers there are.
    """
    _, inverse, counts = np.unique(shingles, return_inverse=True, return_counts=True)
    often = counts > 1
    numbers = np.where(often, np.cumsum(often) - 1, -1).astype(np.int32)
    return numbers[inverse], int(often.sum())


class _Postings:
    """Inverted index: the added rows by shingle, in the order of addition.

    :param shingles: numbers of all shingles that may be added, each repeated as often as it may be added.
    :param count: how many numbers there are.
    """

    def __init__(self, shingles: Places, count: int) -> None:
        capacity = np.bincount(shingles, minlength=count)
        self._starts = np.cumsum(capacity) - capacity
        self._filled = np.zeros(count, np.int32)
        self._rows = np.empty(len(shingles), np.int32)
        self._left = np.empty(len(shingles), np.int32)

    def add(self, row: int, shingles: Places, left: Places) -> None:
        """Add a row under some of its shingles.

        :param shingles: different shingle numbers, shape (n,).
        :param left: number of shingles of the row from each one to the end, shape (n,).
        """
        places = self._starts[shingles] + self._filled[shingles]
        self._rows[places] = row
        self._left[places] = left
        self._filled[shingles] += 1

    def count(self, shingles: Places) -> int:
        """Return the number of entries under these shingles."""
        return int(self._filled[shingles].sum())

    def entries(self, shingles: Places, left: Places) -> tuple[Places, Places]:
        """Return the rows under these shingles, and how many shingles each can share from there on at most.

        :param left: of the row that is looked up, as in `add`.
        """
        counts = self._filled[shingles]
        found = np.flatnonzero(counts)
        if not len(found):
            return np.empty(0, np.int32), np.empty(0, np.int32)
        starts, ends = self._starts[shingles[found]], self._starts[shingles[found]] + counts[found]
        parts = [slice(*ends_) for ends_ in zip(starts.tolist(), ends.tolist(), strict=True)]
        common = np.minimum(np.concatenate([self._left[part] for part in parts]), np.repeat(left[found], counts[found]))
        return np.concatenate([self._rows[part] for part in parts]), common


class PrefixIndex:
    """Index of rows that finds the added rows which can be similar to a given row.

    The first shingle that two similar sets share is among the first 1 - 2t / (1 + t) of the smaller set (as a fraction
    of its size) and among the first 1 - t of the larger set. So each row is stored twice: under its shorter prefix, by
    which larger sets find it, and under its longer prefix, by which smaller sets find it.

    :param sets: the sets of all rows, none of them empty.
    :param threshold: smallest Jaccard similarity t.
    """

    def __init__(self, sets: Sequence[Hashes], threshold: float) -> None:
        self._share = threshold / (1 + threshold)
        self._threshold = threshold
        self._sizes = np.array([len(own) for own in sets], np.int64)
        heads = list(_heads(sets, Rarity(sets), threshold)) if len(sets) else []
        empty = np.empty(0, np.int32)
        counts = np.concatenate([each.counts for each in heads]) if heads else np.empty(0, np.int64)
        shingles, count = _numbered(np.concatenate([each.shingles for each in heads])) if heads else (empty, 0)
        left = np.concatenate([each.left for each in heads]) if heads else empty
        rows = np.repeat(np.arange(len(counts)), counts)
        kept = shingles >= 0
        self._shingles, self._left, rows = shingles[kept], left[kept], rows[kept]
        self._ends = np.cumsum(np.bincount(rows, minlength=len(counts)))
        # Larger sets find a row by the first of its entries.
        near = self._left >= min_remaining_for_larger(self._sizes[rows], threshold)
        self._near = np.bincount(rows[near], minlength=len(counts))
        self._for_larger = _Postings(self._shingles[near], count)
        self._for_smaller = _Postings(self._shingles, count)

    def _entries(self, row: int) -> tuple[int, int, int]:
        """Return where the entries of a row begin, where those for larger sets end, and where all end."""
        start = int(self._ends[row - 1]) if row else 0
        return start, start + int(self._near[row]), int(self._ends[row])

    def add(self, row: int) -> None:
        """Add a row, at most once, so that lookups can find it."""
        start, near, end = self._entries(row)
        if end > start:
            self._for_larger.add(row, self._shingles[start:near], self._left[start:near])
            self._for_smaller.add(row, self._shingles[start:end], self._left[start:end])

    def cost(self, row: int) -> int:
        """Return how many entries must be read to find the candidates of a row; 0 if it has no candidates."""
        start, near, end = self._entries(row)
        if end == start:
            return 0
        found = self._for_smaller.count(self._shingles[start:near])
        return found + self._for_larger.count(self._shingles[near:end])

    def candidates(self, row: int) -> Places:
        """Return the added rows that can reach the threshold with this row.

        :returns: row numbers, sorted, shape (n,).
        """
        start, near, end = self._entries(row)
        first = self._for_smaller.entries(self._shingles[start:near], self._left[start:near])
        second = self._for_larger.entries(self._shingles[near:end], self._left[near:end])
        others, common = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
        own, sizes = self._sizes[row], self._sizes[others]
        possible = common >= self._share * (own + sizes) - _ROUNDING
        possible &= np.minimum(own, sizes) >= self._threshold * np.maximum(own, sizes) - _ROUNDING
        return np.unique(others[possible])
