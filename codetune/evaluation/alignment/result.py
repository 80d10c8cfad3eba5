"""What an alignment consists of; light, so that a page can show one without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Alignment:
    """The similarity of every token of the reference with every token of the answer.

    :param reference: the tokens as they stand in the text, special ones in brackets; `answer` likewise.
    :param similarity: cosines of shape `(len(reference), len(answer))`.
    :param counted: whether a token of the reference counts in the score, as special ones do not; `counted_answer`
        likewise.
    :param precision: the mean over the answer's tokens of the best cosine with the reference, not rescaled; `recall`
        the other way round, `f1` of both.
    :param signature: what made it: the encoder, its weights and its layer.
    """

    reference: list[str]
    answer: list[str]
    similarity: list[list[float]]
    counted: list[bool]
    counted_answer: list[bool]
    precision: float
    recall: float
    f1: float
    signature: str

    def matches(self) -> list[tuple[int, int]]:
        """For each counted token of the reference, the place of the token of the answer that is most like it."""
        return _best(self.similarity, self.counted)

    def answer_matches(self) -> list[tuple[int, int]]:
        """For each counted token of the answer, the place of the token of the reference that is most like it, first."""
        found = _best(list(zip(*self.similarity, strict=True)), self.counted_answer)
        return [(reference, answer) for answer, reference in found]


def _best(rows: Sequence[Sequence[float]], counted: list[bool]) -> list[tuple[int, int]]:
    """Each row that counts, with the place of its largest value; one without values is left out."""
    return [
        (place, max(range(len(row)), key=row.__getitem__)) for place, row in enumerate(rows) if counted[place] and row
    ]
