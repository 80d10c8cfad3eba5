"""Exact and near duplicates among candidates, each with the row it matched and the similarity.

Exact: the same syntax tree, whatever the formatting and comments. Renamed: the same but for names of its own and
constants (`renaming`). Near: the Jaccard of 5-grams of lexical tokens; no pair is missed (`prefix_filter`). The
representative is the first row in the order given, and a row is dropped only for a row that is kept: clusters are not
chained.
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
"""Shingles of a set from which it counts that another set holds most of it: most of fewer stands there by chance."""
_ROUNDING = 1e-9
_Shingle = TypeVar("_Shingle", str, int)


@dataclass(frozen=True, slots=True)
class Match:
    """The row that a duplicate matched, and how similar they are (1 for exact)."""

    id: str
    similarity: float


def exact_duplicates(keys: Sequence[tuple[str, str | bytes]]) -> dict[str, Match]:
    """Duplicates by equal key.

    :param keys: pairs of row id and the text or digest that makes rows equal, representatives first.
    """
    first: dict[str | bytes, str] = {}
    return {row: Match(first[key], 1.0) for row, key in keys if first.setdefault(key, row) != row}


def shingles(tokens: Sequence[str], size: int = _SHINGLE) -> frozenset[str]:
    """The set of n-grams of `tokens`.

    A sequence shorter than that is one shingle, the whole: it is similar to its equal alone. Shingles of characters
    would make `return a` and `return b` near duplicates, and in so short a code the one token is what it does.

    :param size: tokens of an n-gram.
    """
    count = max(1, len(tokens) - size + 1)
    return frozenset("\x1f".join(tokens[start : start + size]) for start in range(count))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Size of the intersection over size of the union; 0 for two empty sets."""
    common = len(left & right)
    union = len(left) + len(right) - common
    return common / union if union else 0.0


def rarest(own: Collection[_Shingle], frequency: Mapping[_Shingle, int], share: float) -> list[_Shingle]:
    """The shingles of which each set that holds `share` of `own` has at least one.

    :param frequency: how often each shingle comes up; 0 where it is missing.
    """
    least = math.ceil(share * len(own) - _ROUNDING)
    return sorted(own, key=lambda shingle: (frequency.get(shingle, 0), shingle))[: len(own) - least + 1]


class Likeness:
    """One way in which rows may be alike: each with hashed shingles, at least one, and the Jaccard that it takes."""

    def __init__(self, sets: Sequence[Hashes], threshold: float) -> None:
        self.sets = sets
        self.threshold = threshold
        self._sizes = np.array([len(own) for own in sets])

    def of(self, row: int, others: NDArray[np.int32]) -> NDArray[np.float64]:
        """The Jaccard of a row with each of `others`; 0 where the sizes alone keep it under the threshold."""
        own, sizes = self._sizes[row], self._sizes[others]
        possible = np.minimum(sizes, own) / np.maximum(sizes, own) >= self.threshold
        similar = np.zeros(len(others))
        if possible.any():
            similar[possible] = jaccards(self.sets[row], [self.sets[other] for other in others[possible]])
        return similar


def near_duplicates(rows: Sequence[str], *likenesses: Likeness) -> dict[str, Match]:
    """Rows that are alike in every way with a row that is kept; the one that is nearest in the first way is named.

    :param rows: row ids, representatives first.
    :param likenesses: the first one gives the similarity.
    """
    # A pair must be alike in every way, so each way by itself finds all pairs: of each row, the one that reads least.
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


def _nearest(row: int, others: NDArray[np.int32], likenesses: Sequence[Likeness]) -> tuple[int, float] | None:
    """Of `others` the row that is nearest in the first way among those alike in every way, and how near it is."""
    similar = likenesses[0].of(row, others)
    alike = similar >= likenesses[0].threshold
    for likeness in likenesses[1:]:
        alike[alike] = likeness.of(row, others[alike]) >= likeness.threshold
    if not alike.any():
        return None
    best = int(np.where(alike, similar, 0.0).argmax())
    return int(others[best]), float(similar[best])
