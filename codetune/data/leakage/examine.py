"""Search train for held-out rows: unchanged, with other names, or as near-duplicates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from codetune.core.progress import track
from codetune.data.clean.duplicates import LEAST_CONTAINED, frame_limit, jaccard, rarest, shingles
from codetune.python_source.renaming import function_digests, renamed_digest
from codetune.python_source.tokens import lexical_tokens

Way = Literal["exact_code", "exact_instruction", "renamed", "near", "similar"]
WAYS: tuple[Way, ...] = ("exact_code", "exact_instruction", "renamed", "near", "similar")


@dataclass(frozen=True)
class Leak:
    """A held-out row that was found in train.

    :param way: how it was found.
    :param held_out: id of the held-out row.
    :param train: id of the train row.
    :param similarity: 0 to 1; what it measures depends on `way`. 1 for equal rows.
    """

    way: Way
    held_out: str
    train: str
    similarity: float


@dataclass(frozen=True)
class ComparedRow:
    """The parts of a row that are compared.

    :param id: id of the row.
    :param code: code of the row.
    :param instruction: instruction of the row; empty if it has none.
    """

    id: str
    code: str
    instruction: str = ""


def _tokens(code: str) -> tuple[str, ...]:
    """Return the lexical tokens of Python code; the words of a text that is not Python."""
    try:
        return lexical_tokens(code)
    except SyntaxError:
        return tuple(code.split())


class TrainIndex:
    """An index of the train rows by code, instruction, renamed functions and shingles (token n-grams).

    :param rows: train rows; of several equal rows, the first is reported.
    :param threshold: a held-out row is a near-duplicate from this similarity on (see `nearest`), 0 to 1.
    """

    def __init__(self, rows: list[ComparedRow], threshold: float) -> None:
        self._threshold = threshold
        self._code: dict[str, str] = {}
        self._instructions: dict[str, str] = {}
        self._trees: dict[str, str] = {}
        self._shingles: list[tuple[str, frozenset[str]]] = []
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for row in track(rows, len(rows), "examining train"):
            self._instructions.setdefault(row.instruction, row.id)
            if row.code in self._code:
                continue  # a paraphrase has the code of its original row
            self._code[row.code] = row.id
            for digest in filter(None, (renamed_digest(row.code), *function_digests(row.code))):
                self._trees.setdefault(digest, row.id)
            own = shingles(_tokens(row.code))
            for shingle in own:
                self._places[shingle].append(len(self._shingles))
            self._shingles.append((row.id, own))
        self._frequency = {shingle: len(places) for shingle, places in self._places.items()}

    def leaks(self, row: ComparedRow, common: frozenset[str] = frozenset()) -> list[Leak]:
        """Search train for a held-out row.

        :param common: shingles that do not count for near-duplicates, from `common_shingles`.
        :returns: at most one leak for each way of finding it.
        """
        found = []
        if row.code in self._code:
            found.append(Leak("exact_code", row.id, self._code[row.code], 1.0))
        if row.instruction and row.instruction in self._instructions:
            found.append(Leak("exact_instruction", row.id, self._instructions[row.instruction], 1.0))
        # The last function of a completion is the requested one; those before are its helpers.
        for digest in (renamed_digest(row.code), *function_digests(row.code)[-1:]):
            if digest in self._trees:
                found.append(Leak("renamed", row.id, self._trees[digest], 1.0))
                break
        nearest = self.nearest(row, common)
        if nearest is not None and nearest[0] >= self._threshold:
            found.append(Leak("near", row.id, nearest[1], round(nearest[0], 4)))
        return found

    def nearest(self, row: ComparedRow, common: frozenset[str] = frozenset()) -> tuple[float, str] | None:
        """Return the similarity to the most similar train row, and its id; None if no row is likely to be similar.

        The similarity of a held-out row with at least `LEAST_CONTAINED` shingles is the share of them that the train
        row contains; of a shorter row, the Jaccard similarity. Only rows that share one of its rarest shingles are
        compared, as in `ContainedIndex`.

        :param common: shingles that do not count.
        """
        own = shingles(_tokens(row.code)) - common
        looked_up = rarest(own, self._frequency, self._threshold)
        likely = sorted({place for shingle in looked_up for place in self._places.get(shingle, ())})
        similar = ((_held(own, self._shingles[place][1] - common), self._shingles[place][0]) for place in likely)
        return max(similar, default=None, key=lambda pair: pair[0])


def _held(own: frozenset[str], other: frozenset[str]) -> float:
    return len(own & other) / len(own) if len(own) >= LEAST_CONTAINED else jaccard(own, other)


def common_shingles(rows: Iterable[ComparedRow]) -> frozenset[str]:
    """Return the shingles that many held-out rows share, such as those of a common beginning; as `clean` does.

    Train rows are not counted: many copies of a held-out row would make its own shingles common.
    """
    sets = [shingles(_tokens(row.code)) for row in rows]
    frequency = Counter(shingle for own in sets for shingle in own)
    return frozenset(shingle for shingle, count in frequency.items() if count > frame_limit(len(sets)))


def find_leaks(
    rows: Iterable[ComparedRow], index: TrainIndex, total: int, label: str, common: frozenset[str] = frozenset()
) -> list[Leak]:
    """Search train for held-out rows.

    :param rows: held-out rows.
    :param index: the train rows.
    :param total: number of held-out rows, for the progress line.
    :param label: name of the held-out rows, for the progress line.
    :param common: shingles that do not count for near-duplicates, from `common_shingles`.
    :returns: all leaks, in the order of the rows.
    """
    return [leak for row in track(rows, total, f"looking for {label} in train") for leak in index.leaks(row, common)]


def counts(leaks: list[Leak], rows: int) -> dict[str, Any]:
    """Return the number of held-out rows that were found in each way, and the leaks.

    :param leaks: the leaks of one set of held-out rows.
    :param rows: number of held-out rows in the set.
    """
    return {
        "rows": rows,
        **{way: len({leak.held_out for leak in leaks if leak.way == way}) for way in WAYS},
        "leaks": [asdict(leak) for leak in leaks],
    }
