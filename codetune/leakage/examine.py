"""Looking for held-out rows in train: as they are, renamed, or nearly so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rensa import RMinHash, RMinHashLSH

from codetune.cleaning.duplicates import jaccard, shingles
from codetune.cleaning.renaming import renamed_tree
from codetune.progress import track
from codetune.python_source.tokens import lexical_tokens

Way = Literal["exact_code", "exact_instruction", "renamed", "near", "similar"]
WAYS: tuple[Way, ...] = ("exact_code", "exact_instruction", "renamed", "near", "similar")
# Few rows per band: what is missed at a Jaccard of 0.7 is one row in a million.
_PERMUTATIONS, _BANDS, _SEED = 128, 32, 42


@dataclass(frozen=True)
class Leak:
    """A held-out row that was found in train."""

    way: Way
    held_out: str
    train: str
    similarity: float


@dataclass(frozen=True)
class Text:
    """A row as it is compared: its id, its code, and its instruction where it has one."""

    id: str
    code: str
    instruction: str = ""


def _tokens(code: str) -> tuple[str, ...]:
    """Lexical tokens; of what is not Python, words."""
    try:
        return lexical_tokens(code)
    except SyntaxError:
        return tuple(code.split())


class TrainIndex:
    """Train rows, to be looked up by code, instruction, renamed tree and shingles.

    :param rows: train rows; of several that are the same, the first is named.
    :param threshold: Jaccard from which a row counts as near.
    """

    def __init__(self, rows: list[Text], threshold: float) -> None:
        self._threshold = threshold
        self._code: dict[str, str] = {}
        self._instructions: dict[str, str] = {}
        self._trees: dict[str, str] = {}
        self._shingles: list[tuple[str, frozenset[str]]] = []
        self._index = RMinHashLSH(threshold, _PERMUTATIONS, _BANDS)
        for row in track(rows, len(rows), "examining train"):
            self._instructions.setdefault(row.instruction, row.id)
            if row.code in self._code:
                continue  # a paraphrase has its parent's code
            self._code[row.code] = row.id
            if (tree := renamed_tree(row.code)) is not None:
                self._trees.setdefault(tree, row.id)
            own = shingles(_tokens(row.code))
            self._index.insert(len(self._shingles), _signature(own))
            self._shingles.append((row.id, own))

    def leaks(self, row: Text) -> list[Leak]:
        """Every way in which a held-out row is found in train."""
        found = []
        if row.code in self._code:
            found.append(Leak("exact_code", row.id, self._code[row.code], 1.0))
        if row.instruction and row.instruction in self._instructions:
            found.append(Leak("exact_instruction", row.id, self._instructions[row.instruction], 1.0))
        tree = renamed_tree(row.code)
        if tree is not None and tree in self._trees:
            found.append(Leak("renamed", row.id, self._trees[tree], 1.0))
        nearest = self.nearest(row)
        if nearest is not None and nearest[0] >= self._threshold:
            found.append(Leak("near", row.id, nearest[1], round(nearest[0], 4)))
        return found

    def nearest(self, row: Text) -> tuple[float, str] | None:
        """The largest true Jaccard among the candidates of the index, and the row it is with."""
        own = shingles(_tokens(row.code))
        candidates = sorted(self._index.query(_signature(own)))
        similar = ((jaccard(own, self._shingles[other][1]), self._shingles[other][0]) for other in candidates)
        return max(similar, default=None, key=lambda pair: pair[0])


def _signature(own: frozenset[str]) -> RMinHash:
    signature = RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    signature.update(sorted(own))
    return signature


def look_for(rows: Iterable[Text], index: TrainIndex, total: int, label: str) -> list[Leak]:
    """All leaks of held-out rows, in order."""
    return [leak for row in track(rows, total, f"looking for {label} in train") for leak in index.leaks(row)]


def counts(leaks: list[Leak], rows: int) -> dict[str, Any]:
    """How many held-out rows were found in each way, out of `rows`, and the leaks themselves."""
    return {
        "rows": rows,
        **{way: len({leak.held_out for leak in leaks if leak.way == way}) for way in WAYS},
        "leaks": [asdict(leak) for leak in leaks],
    }
