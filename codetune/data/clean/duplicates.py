"""Find exact and near duplicates among candidates, each with the row it matched and the similarity.

Exact: the syntax trees are equal; formatting and comments do not matter. Renamed: equal except for local names,
numbers and short texts (`renaming`). Near: the Jaccard similarity of 5-grams of lexical tokens reaches a threshold; no
pair is missed (`prefix_filter`). The representative is the first row in the given order. A row is dropped only if it
matches a row that is kept, so duplicates of duplicates are not chained into clusters.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from codetune.core.progress import track
from codetune.data.clean.prefix_filter import PrefixIndex
from codetune.data.clean.shingle_hashes import Hashes, jaccards

_SHINGLE = 5
LEAST_CONTAINED = 20
"""Smallest number of shingles of a set that is searched in other sets; smaller sets are contained by chance."""
# A shingle that more rows have, both by number and by share, is common text: its copy is no leak.
_FRAME_ROWS, _FRAME_SHARE = 50, 0.05
_ROUNDING = 1e-9
_Shingle = TypeVar("_Shingle", str, int)


@dataclass(frozen=True, slots=True)
class Match:
    """The row that a duplicate matched, and their similarity (1 for exact)."""

    id: str
    similarity: float


def exact_duplicates(keys: Sequence[tuple[str, str | bytes]]) -> dict[str, Match]:
    """Find the rows whose key equals the key of an earlier row.

    :param keys: pairs of row id and key (a text or digest), representatives first.
    :returns: the match of each duplicate, by row id.
    """
    first: dict[str | bytes, str] = {}
    return {row: Match(first[key], 1.0) for row, key in keys if first.setdefault(key, row) != row}


def shingles(tokens: Sequence[str], size: int = _SHINGLE) -> frozenset[str]:
    """Return the set of n-grams of `tokens`.

    A sequence of fewer than `size` tokens is one shingle, so that it is similar only to an equal sequence. N-grams of
    characters would make `return a` and `return b` near-duplicates, although in code this short one token decides what
    it does.

    :param size: number of tokens in an n-gram.
    """
    count = max(1, len(tokens) - size + 1)
    return frozenset("\x1f".join(tokens[start : start + size]) for start in range(count))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the size of the intersection divided by the size of the union; 0 for two empty sets."""
    common = len(left & right)
    union = len(left) + len(right) - common
    return common / union if union else 0.0


def frame_limit(rows: int) -> float:
    """Return how many of `rows` rows can share a shingle that is not common text."""
    return max(_FRAME_ROWS, _FRAME_SHARE * rows)


def rarest(own: Collection[_Shingle], frequency: Mapping[_Shingle, int], share: float) -> list[_Shingle]:
    """Return the rarest shingles of a set, as many as needed so that every similar set contains at least one of them.

    :param own: the set.
    :param frequency: number of sets that contain each shingle; 0 if missing.
    :param share: share of `own` that a similar set contains.
    :returns: the shingles, rarest first.
    """
    least = math.ceil(share * len(own) - _ROUNDING)
    return sorted(own, key=lambda shingle: (frequency.get(shingle, 0), shingle))[: len(own) - least + 1]


class SimilarityRule:
    """One criterion of similarity between rows.

    :param sets: hashed shingles of each row, at least one per row.
    :param threshold: smallest Jaccard similarity that fulfils the criterion.
    """

    def __init__(self, sets: Sequence[Hashes], threshold: float) -> None:
        self.sets = sets
        self.threshold = threshold
        self._sizes = np.array([len(own) for own in sets])

    def of(self, row: int, others: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the Jaccard similarity of a row with each of the others.

        :param row: number of the row.
        :param others: numbers of the other rows, shape (n,).
        :returns: shape (n,); 0 where the sizes alone show that the similarity is below the threshold.
        """
        own, sizes = self._sizes[row], self._sizes[others]
        possible = np.minimum(sizes, own) / np.maximum(sizes, own) >= self.threshold
        similar = np.zeros(len(others))
        if possible.any():
            similar[possible] = jaccards(self.sets[row], [self.sets[other] for other in others[possible]])
        return similar


def near_duplicates(rows: Sequence[str], *likenesses: SimilarityRule) -> dict[str, Match]:
    """Find the rows that fulfil every criterion together with a row that is kept.

    :param rows: row ids, representatives first.
    :param likenesses: the criteria; the first one chooses the nearest row and gives the similarity.
    :returns: the match of each near-duplicate, by row id.
    """
    # A pair must fulfil every criterion, so the index of each criterion finds all pairs. Use the cheapest for each row.
    indexes = [PrefixIndex(likeness.sets, likeness.threshold) for likeness in likenesses]
    found: dict[str, Match] = {}
    for row, name in enumerate(track(rows, len(rows), "near duplicates")):
        index = min(indexes, key=lambda each: each.cost(row))
        match = _nearest(row, index.candidates(row), likenesses) if index.cost(row) else None
        if match is None:
            for each in indexes:
                each.add(row)
        else:
            found[name] = Match(rows[match[0]], round(match[1], 4))
    return found


def _nearest(row: int, others: NDArray[np.int32], likenesses: Sequence[SimilarityRule]) -> tuple[int, float] | None:
    """Return the number and the similarity of the nearest row by the first criterion among those that fulfil all."""
    similar = likenesses[0].of(row, others)
    alike = similar >= likenesses[0].threshold
    for likeness in likenesses[1:]:
        alike[alike] = likeness.of(row, others[alike]) >= likeness.threshold
    if not alike.any():
        return None
    best = int(np.where(alike, similar, 0.0).argmax())
    return int(others[best]), float(similar[best])
