"""Which of many sets can have a Jaccard of at least t with an earlier one: an exact filter, which misses no pair.

All shingles are put in one order, the rarest first. Sets x and y with a Jaccard of at least t have
t / (1 + t) * (|x| + |y|) shingles in common, so the first that they share stands so far from the end of each that as
many can follow. Only shingles near the beginning of a set are therefore looked up, and those are rare: what thousands
of rows have in common stands at the ends, where it costs nothing (Chaudhuri, Ganti, Kaushik: A Primitive Operator for
Similarity Joins in Data Cleaning, 2006; Xiao, Wang, Lin, Yu: Efficient Similarity Joins for Near Duplicate Detection,
2008). Any one order is right; a better one is faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from codetune.data.clean.shingle_hashes import Hashes

Places = NDArray[np.int32]

_BLOCK_ROWS = 4096
# Slots in which shingles are counted. Shingles that share one seem more frequent, which does no harm.
_LEAST_SLOTS, _MOST_SLOTS = 1 << 16, 1 << 26
# What rounding may add to a product of a share and the size of a set.
_ROUNDING = 1e-9


_Sizes = TypeVar("_Sizes", int, NDArray[np.int64])


def least_left(size: _Sizes, threshold: float) -> Any:
    """How many shingles of a set must begin where the first one stands that it shares with a similar one.

    :param size: how many it has; or an array of sizes, which gives one of numbers.
    """
    return threshold * size - _ROUNDING


def least_left_for_larger(size: _Sizes, threshold: float) -> Any:
    """As `least_left`, where the similar set is of the same size or larger."""
    return 2 * threshold / (1 + threshold) * size - _ROUNDING


class _Heads(NamedTuple):
    """The shingles at the beginnings of sets, rows in order and the rarest first.

    :param shingles: of shape (entries,), as hashes.
    :param counts: of shape (rows,), entries of each row.
    :param left: of shape (entries,), how many shingles of the set begin here, the entry's own included.
    """

    shingles: Hashes
    counts: NDArray[np.int64]
    left: Places


def _blocks(sets: Sequence[Hashes]) -> Iterator[Sequence[Hashes]]:
    for start in range(0, len(sets), _BLOCK_ROWS):
        yield sets[start : start + _BLOCK_ROWS]


class Rarity:
    """How often shingles come up in sets, roughly: those that share a slot are counted together."""

    def __init__(self, sets: Sequence[Hashes]) -> None:
        wanted = 2 * sum(map(len, sets))
        slots = min(max(1 << max(wanted - 1, 0).bit_length(), _LEAST_SLOTS), _MOST_SLOTS)
        self._mask = np.uint64(slots - 1)
        self._counts = np.zeros(slots, np.uint32)
        for block in _blocks(sets):
            np.add.at(self._counts, (np.concatenate(block) & self._mask).astype(np.intp), np.uint32(1))

    def of(self, shingles: Hashes) -> NDArray[np.uint32]:
        """The count of each shingle, of the shape of `shingles`."""
        return np.take(self._counts, (shingles & self._mask).astype(np.intp))


def _heads(sets: Sequence[Hashes], rarity: Rarity, threshold: float) -> Iterator[_Heads]:
    """Yield, block by block, the shingles of which a set of any size with that Jaccard shares the first or a later."""
    for block in _blocks(sets):
        sizes = np.array([len(own) for own in block])
        flat = np.concatenate(block)
        rows = np.repeat(np.arange(len(block)), sizes)
        order = np.argsort((rows.astype(np.uint64) << np.uint64(32)) | rarity.of(flat), kind="stable")
        left = np.cumsum(sizes)[rows] - np.arange(len(flat))
        chosen = left >= least_left(sizes[rows], threshold)
        counts = np.bincount(rows[chosen], minlength=len(block))
        yield _Heads(flat[order][chosen], counts, left[chosen].astype(np.int32))


def _numbered(shingles: Hashes) -> tuple[Places, int]:
    """A number for each shingle that comes up more than once, -1 for the others; and how many numbers there are."""
    _, inverse, counts = np.unique(shingles, return_inverse=True, return_counts=True)
    often = counts > 1
    numbers = np.where(often, np.cumsum(often) - 1, -1).astype(np.int32)
    return numbers[inverse], int(often.sum())


class _Postings:
    """The rows that were added, by shingle, in the order in which they came.

    :param shingles: numbers of all shingles that may be added, each as often as it may.
    :param count: how many numbers there are.
    """

    def __init__(self, shingles: Places, count: int) -> None:
        capacity = np.bincount(shingles, minlength=count)
        self._starts = np.cumsum(capacity) - capacity
        self._filled = np.zeros(count, np.int32)
        self._rows = np.empty(len(shingles), np.int32)
        self._left = np.empty(len(shingles), np.int32)

    def add(self, row: int, shingles: Places, left: Places) -> None:
        """Add a row with some of its shingles, no two of them the same, and how many follow on each."""
        places = self._starts[shingles] + self._filled[shingles]
        self._rows[places] = row
        self._left[places] = left
        self._filled[shingles] += 1

    def count(self, shingles: Places) -> int:
        """How many entries these shingles have."""
        return int(self._filled[shingles].sum())

    def entries(self, shingles: Places, left: Places) -> tuple[Places, Places]:
        """The rows that have one of these shingles, and how many shingles the two can have in common from there on.

        :param left: as of `add`, of the row that is looked up.
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
    """Rows that were added, to be looked up by another row that is similar; each row is added once at the most.

    A larger set meets a smaller one within the first 1 - 2t / (1 + t) of the smaller one, and the smaller one meets it
    within the first 1 - t of the larger one. So a row is kept twice: under the shingles by which larger ones find it,
    and under those by which smaller ones do.

    :param sets: the sets of all rows, none of them empty.
    :param threshold: the least Jaccard.
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
        # The entries by which a larger set finds a row are the first of it.
        near = self._left >= least_left_for_larger(self._sizes[rows], threshold)
        self._near = np.bincount(rows[near], minlength=len(counts))
        self._for_larger = _Postings(self._shingles[near], count)
        self._for_smaller = _Postings(self._shingles, count)

    def _entries(self, row: int) -> tuple[int, int, int]:
        """Where the entries of a row begin, where those end by which a larger set finds it, and where all end."""
        start = int(self._ends[row - 1]) if row else 0
        return start, start + int(self._near[row]), int(self._ends[row])

    def add(self, row: int) -> None:
        """Make a row one that is found."""
        start, near, end = self._entries(row)
        if end > start:
            self._for_larger.add(row, self._shingles[start:near], self._left[start:near])
            self._for_smaller.add(row, self._shingles[start:end], self._left[start:end])

    def cost(self, row: int) -> int:
        """How many entries are read to find the candidates of a row; 0 where it has none."""
        start, near, end = self._entries(row)
        if end == start:
            return 0
        found = self._for_smaller.count(self._shingles[start:near])
        return found + self._for_larger.count(self._shingles[near:end])

    def candidates(self, row: int) -> Places:
        """The rows that were added of which a Jaccard of `threshold` with this one is possible, in order."""
        start, near, end = self._entries(row)
        first = self._for_smaller.entries(self._shingles[start:near], self._left[start:near])
        second = self._for_larger.entries(self._shingles[near:end], self._left[near:end])
        others, common = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
        own, sizes = self._sizes[row], self._sizes[others]
        possible = common >= self._share * (own + sizes) - _ROUNDING
        possible &= np.minimum(own, sizes) >= self._threshold * np.maximum(own, sizes) - _ROUNDING
        return np.unique(others[possible])
