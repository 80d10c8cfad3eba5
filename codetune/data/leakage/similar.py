"""Find held-out rows whose instruction and code mean the same as those of a train row, by sentence embeddings.

Both must be similar, because one alone proves little: many projects have a `to_dict`, and a small encoder finds most
loops similar.

The search has three steps. Token embeddings, which are fast to compute, exclude instructions with few common words, so
that only a small part of the texts must be encoded. Then sentence embeddings compare the instructions, and last the
code of the pairs that remain. A pair that means the same in completely different words is not found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from codetune.data.clean.instruction import without_frame
from codetune.data.leakage.examine import ComparedRow, Leak
from codetune.data.leakage.params import SimilarityParams
from codetune.models.encoders.sentences import SentenceEncoder, Vectors

_BLOCK_ROWS = 512
_LEAST_IN_WORDS = 0.6


@dataclass(frozen=True)
class RowPair:
    """A held-out row and a train row that may be similar.

    :param held_out: index of the held-out row.
    :param train: index of the train row.
    :param similarity: cosine of the texts that were compared last.
    """

    held_out: int
    train: int
    similarity: float


def _similar_pairs(held_out: Vectors, train: Vectors, least: float) -> list[RowPair]:
    """Return all pairs of rows with a cosine of at least `least`.

    :param held_out: vectors of length 1, of shape `(rows, hidden)`; `train` likewise.
    """
    pairs = []
    for start in range(0, len(held_out), _BLOCK_ROWS):
        block = torch.from_numpy(held_out[start : start + _BLOCK_ROWS])
        cosines = np.round((block @ torch.from_numpy(train).T).numpy(), 4)
        rows, columns = np.nonzero(cosines >= np.float32(least))
        found = zip(rows.tolist(), columns.tolist(), strict=True)
        pairs += [RowPair(start + row, column, float(cosines[row, column])) for row, column in found]
    return pairs


def _cosines(encoder: SentenceEncoder, left: list[str], right: list[str], label: str) -> list[float]:
    """Return the cosine of each text of `left` with the same place in `right`.

    Cosines are rounded to four digits, because further digits depend on the machine.
    """
    vectors = encoder.embed([*left, *right], label)
    found: list[float] = np.einsum("ij,ij->i", vectors[: len(left)], vectors[len(left) :]).round(4).tolist()
    return [round(cosine, 4) for cosine in found]


def _confirmed(pairs: list[RowPair], cosines: list[float], least: float) -> list[RowPair]:
    """Return the pairs whose cosine is at least `least`, with this cosine as their similarity."""
    return [replace(pair, similarity=cosine) for pair, cosine in zip(pairs, cosines, strict=True) if cosine >= least]


def similar_rows(
    held_out: list[ComparedRow], train: list[ComparedRow], encoder: SentenceEncoder, params: SimilarityParams
) -> list[Leak]:
    """Find held-out rows that mean the same as a train row.

    :param held_out: held-out rows.
    :param train: train rows.
    :param encoder: the model that embeds instructions and code.
    :param params: the smallest cosines that count.
    :returns: one leak per held-out row that was found, with the train row whose code is most similar.
    """
    asked = [without_frame(row.instruction) for row in [*held_out, *train]]
    words = encoder.embed_bag_of_words(asked)
    likely = _similar_pairs(words[: len(held_out)], words[len(held_out) :], _LEAST_IN_WORDS)
    left = [asked[pair.held_out] for pair in likely]
    right = [asked[len(held_out) + pair.train] for pair in likely]
    pairs = _confirmed(likely, _cosines(encoder, left, right, "comparing instructions"), params.min_instruction)
    left, right = [held_out[pair.held_out].code for pair in pairs], [train[pair.train].code for pair in pairs]
    best: dict[int, tuple[float, str]] = {}
    for pair in _confirmed(pairs, _cosines(encoder, left, right, "comparing code"), params.min_code):
        best[pair.held_out] = max(best.get(pair.held_out, (0.0, "")), (pair.similarity, train[pair.train].id))
    return [Leak("similar", held_out[place].id, row, cosine) for place, (cosine, row) in sorted(best.items())]
