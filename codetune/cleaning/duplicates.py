"""Exact and near duplicates among candidates, each with the row it matched and the similarity.

Exact: the same syntax tree, whatever the formatting and comments. Renamed: the same but for names of its own and
constants (`renaming`). Near: candidates from MinHash LSH over 5-grams of
lexical tokens, every one verified by true Jaccard. The representative is the first row in the order given, and a row is
dropped only for a row that is kept: clusters are not chained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rensa import RMinHash, RMinHashLSH

from codetune.progress import track

_SHINGLE = 5
_PERMUTATIONS = 128
_BANDS = 32
_SEED = 42


@dataclass(frozen=True)
class Match:
    """The row that a duplicate matched, and how similar they are (1 for exact)."""

    id: str
    similarity: float


def exact_duplicates(keys: Sequence[tuple[str, str]]) -> dict[str, Match]:
    """Duplicates by equal key.

    :param keys: pairs of row id and the text that makes rows equal, representatives first.
    """
    first: dict[str, str] = {}
    return {row: Match(first[key], 1.0) for row, key in keys if first.setdefault(key, row) != row}


def shingles(tokens: Sequence[str]) -> frozenset[str]:
    """The set of 5-grams of `tokens`; of the whole sequence when it is shorter."""
    count = max(1, len(tokens) - _SHINGLE + 1)
    return frozenset("\x1f".join(tokens[start : start + _SHINGLE]) for start in range(count))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Size of the intersection over size of the union; 0 for two empty sets."""
    common = len(left & right)
    union = len(left) + len(right) - common
    return common / union if union else 0.0


def near_duplicates(rows: Iterator[tuple[str, Sequence[str]]], total: int, threshold: float) -> dict[str, Match]:
    """Rows whose shingles have a Jaccard of at least `threshold` with a row that is kept.

    :param rows: pairs of row id and lexical tokens, representatives first.
    """
    index = RMinHashLSH(threshold, _PERMUTATIONS, _BANDS)
    kept: list[tuple[str, frozenset[str]]] = []
    found: dict[str, Match] = {}
    for row, tokens in track(rows, total, "near duplicates"):
        own = shingles(tokens)
        signature = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
        signature.update(sorted(own))
        similar = ((jaccard(own, kept[other][1]), kept[other][0]) for other in sorted(index.query(signature)))
        best = max(similar, default=(0.0, ""), key=lambda pair: pair[0])
        if best[0] >= threshold:
            found[row] = Match(best[1], round(best[0], 4))
        else:
            index.insert(len(kept), signature)
            kept.append((row, own))
    return found
