"""Held-out rows that ask for the same as a train row, in other words, and are answered alike: by sentence embeddings.

Neither by itself says much: many projects have a `to_dict`, and a small encoder takes most loops to be alike. So a row
counts only where instruction and code are both similar, and code is compared for those pairs alone. Instructions
without common words are ruled out beforehand, which leaves a small part of the texts to be encoded: a pair that means
the same in wholly other words is not looked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from codetune.data.clean.instruction import without_frame
from codetune.data.leakage.examine import Leak, Text
from codetune.data.leakage.params import SimilarityParams
from codetune.models.encoders.sentences import SentenceEncoder, Vectors

_BLOCK_ROWS = 512
_LEAST_IN_WORDS = 0.6


@dataclass(frozen=True)
class Pair:
    """A held-out row and a train row whose instructions are similar, by their places."""

    held_out: int
    train: int
    similarity: float


def _similar_pairs(held_out: Vectors, train: Vectors, least: float) -> list[Pair]:
    """All pairs of rows with a cosine of at least `least`; vectors of shape `(rows, hidden)`, of length one."""
    pairs = []
    for start in range(0, len(held_out), _BLOCK_ROWS):
        block = torch.from_numpy(held_out[start : start + _BLOCK_ROWS])
        cosines = np.round((block @ torch.from_numpy(train).T).numpy(), 4)
        rows, columns = np.nonzero(cosines >= np.float32(least))
        found = zip(rows.tolist(), columns.tolist(), strict=True)
        pairs += [Pair(start + row, column, float(cosines[row, column])) for row, column in found]
    return pairs


def _cosines(encoder: SentenceEncoder, left: list[str], right: list[str], label: str) -> list[float]:
    """The cosine of each text of `left` with its counterpart, to four digits: what is beyond depends on the machine."""
    vectors = encoder.embed([*left, *right], label)
    found: list[float] = np.einsum("ij,ij->i", vectors[: len(left)], vectors[len(left) :]).round(4).tolist()
    return [round(cosine, 4) for cosine in found]


def _confirmed(pairs: list[Pair], cosines: list[float], least: float) -> list[Pair]:
    """The pairs whose cosine is at least `least`, with it."""
    return [replace(pair, similarity=cosine) for pair, cosine in zip(pairs, cosines, strict=True) if cosine >= least]


def similar_rows(
    held_out: list[Text], train: list[Text], encoder: SentenceEncoder, params: SimilarityParams
) -> list[Leak]:
    """For each held-out row that is similar to a train row, the train row whose code is the most similar."""
    asked = [without_frame(row.instruction) for row in [*held_out, *train]]
    words = encoder.embed_words(asked)
    likely = _similar_pairs(words[: len(held_out)], words[len(held_out) :], _LEAST_IN_WORDS)
    left = [asked[pair.held_out] for pair in likely]
    right = [asked[len(held_out) + pair.train] for pair in likely]
    pairs = _confirmed(likely, _cosines(encoder, left, right, "comparing instructions"), params.min_instruction)
    left, right = [held_out[pair.held_out].code for pair in pairs], [train[pair.train].code for pair in pairs]
    best: dict[int, tuple[float, str]] = {}
    for pair in _confirmed(pairs, _cosines(encoder, left, right, "comparing code"), params.min_code):
        best[pair.held_out] = max(best.get(pair.held_out, (0.0, "")), (pair.similarity, train[pair.train].id))
    return [Leak("similar", held_out[place].id, row, cosine) for place, (cosine, row) in sorted(best.items())]
