"""The result of an alignment. This module does not import torch, so that the app can show alignments without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Alignment:
    """The similarity of every token of the reference with every token of the answer.

    :param reference: the tokens of the reference as parts of its text, special tokens in brackets.
    :param answer: the tokens of the answer, likewise.
    :param similarity: cosine similarities of shape `(len(reference), len(answer))`.
    :param counted: for each token of the reference, whether it counts in the score; special tokens do not.
    :param counted_answer: the same for each token of the answer.
    :param precision: the mean over the answer's tokens of the best cosine similarity with the reference, not rescaled.
    :param recall: the mean over the reference's tokens of the best cosine similarity with the answer, not rescaled.
    :param f1: the harmonic mean of precision and recall.
    :param signature: the encoder, its weights and its layer.
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
        """Match each counted token of the reference with the most similar token of the answer.

        :returns: pairs of a token index in the reference and one in the answer.
        """
        return _best(self.similarity, self.counted)

    def answer_matches(self) -> list[tuple[int, int]]:
        """Match each counted token of the answer with the most similar token of the reference.

        :returns: pairs of a token index in the reference and one in the answer, as in `matches`.
        """
        found = _best(list(zip(*self.similarity, strict=True)), self.counted_answer)
        return [(reference, answer) for answer, reference in found]


def _best(rows: Sequence[Sequence[float]], counted: list[bool]) -> list[tuple[int, int]]:
    """Return pairs of the index of a counted row and the index of its largest value; empty rows are skipped."""
    return [
        (place, max(range(len(row)), key=row.__getitem__)) for place, row in enumerate(rows) if counted[place] and row
    ]
