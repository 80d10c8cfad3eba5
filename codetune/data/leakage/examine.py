"""Looking for held-out rows in train: as they are, renamed, or nearly so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from codetune.core.progress import track
from codetune.data.clean.duplicates import LEAST_CONTAINED, jaccard, rarest, shingles
from codetune.python_source.renaming import function_digests, renamed_digest
from codetune.python_source.tokens import lexical_tokens

Way = Literal["exact_code", "exact_instruction", "renamed", "near", "similar"]
WAYS: tuple[Way, ...] = ("exact_code", "exact_instruction", "renamed", "near", "similar")


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
    """Train rows, to be looked up by code, instruction, renamed functions and shingles.

    :param rows: train rows; of several that are the same, the first is named.
    :param threshold: Jaccard from which a row counts as near, and the share of it that a longer train row may hold.
    """

    def __init__(self, rows: list[Text], threshold: float) -> None:
        self._threshold = threshold
        self._code: dict[str, str] = {}
        self._instructions: dict[str, str] = {}
        self._trees: dict[str, str] = {}
        self._shingles: list[tuple[str, frozenset[str]]] = []
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for row in track(rows, len(rows), "examining train"):
            self._instructions.setdefault(row.instruction, row.id)
            if row.code in self._code:
                continue  # a paraphrase has its parent's code
            self._code[row.code] = row.id
            for digest in filter(None, (renamed_digest(row.code), *function_digests(row.code))):
                self._trees.setdefault(digest, row.id)
            own = shingles(_tokens(row.code))
            for shingle in own:
                self._places[shingle].append(len(self._shingles))
            self._shingles.append((row.id, own))
        self._frequency = {shingle: len(places) for shingle, places in self._places.items()}

    def leaks(self, row: Text) -> list[Leak]:
        """Every way in which a held-out row is found in train."""
        found = []
        if row.code in self._code:
            found.append(Leak("exact_code", row.id, self._code[row.code], 1.0))
        if row.instruction and row.instruction in self._instructions:
            found.append(Leak("exact_instruction", row.id, self._instructions[row.instruction], 1.0))
        # The last function of an answer is the one that is asked for, those before are its helpers.
        for digest in (renamed_digest(row.code), *function_digests(row.code)[-1:]):
            if digest in self._trees:
                found.append(Leak("renamed", row.id, self._trees[digest], 1.0))
                break
        nearest = self.nearest(row)
        if nearest is not None and nearest[0] >= self._threshold:
            found.append(Leak("near", row.id, nearest[1], round(nearest[0], 4)))
        return found

    def nearest(self, row: Text) -> tuple[float, str] | None:
        """How much of a held-out row stands in a train row at most, and which that is.

        It is the Jaccard; of a row that is long enough the share that the train row holds. Rows are found by the
        rarest shingles, as in `ContainedIndex`.
        """
        own = shingles(_tokens(row.code))
        looked_up = rarest(own, self._frequency, self._threshold)
        likely = sorted({place for shingle in looked_up for place in self._places.get(shingle, ())})
        similar = ((_held(own, self._shingles[place][1]), self._shingles[place][0]) for place in likely)
        return max(similar, default=None, key=lambda pair: pair[0])


def _held(own: frozenset[str], other: frozenset[str]) -> float:
    return len(own & other) / len(own) if len(own) >= LEAST_CONTAINED else jaccard(own, other)


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
