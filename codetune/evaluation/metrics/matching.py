"""Raw BERTScore of answers against references. Each pair is computed once and cached for later runs."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import torch

from codetune.evaluation.metrics.bertscore import BertEncoder, Embedding, Scores, match
from codetune.evaluation.metrics.kept import ScoreCache

Pair = tuple[str, str]
_SCORES = struct.Struct("<3d")
_TOKENS = struct.Struct("<q")


class Matcher:
    """Scores pairs of texts.

    Of the embeddings, only those of references are cached on disk, because answers rarely occur again.

    :param encoder: computes the embeddings.
    :param kept: the cache of earlier runs, to which new values are added; None: no cache.
    """

    def __init__(self, encoder: BertEncoder, kept: ScoreCache | None = None) -> None:
        self.encoder = encoder
        self.kept = kept
        self._scores: dict[Pair, Scores] = {}

    def prepare(self, pairs: Iterable[Pair], label: str) -> None:
        """Score all pairs that are not cached, and show the progress of the encoding.

        :param pairs: pairs of answer and reference.
        :param label: the name in the progress display.
        """
        wanted = sorted({pair for pair in pairs if not self._known(pair)})
        vectors = {reference: self._vectors(reference) for _, reference in wanted}
        missing = [reference for reference, found in vectors.items() if found is None]
        embedded = self.encoder.embed_all([*(answer for answer, _ in wanted), *missing], label)
        for reference in missing:
            self._keep(reference, embedded[reference])
        for answer, reference in wanted:
            found = vectors[reference] or embedded[reference]
            self._add((answer, reference), match(embedded[answer], found))

    def match(self, answer: str, reference: str) -> Scores:
        """Return the raw score of an answer against a reference; computed now if it is not cached."""
        if not self._known((answer, reference)):
            self.prepare([(answer, reference)], "texts")
        return self._scores[answer, reference]

    def _known(self, pair: Pair) -> bool:
        if pair not in self._scores:
            found = self.kept.get("scores", pair) if self.kept else None
            if found is None:
                return False
            self._scores[pair] = Scores(*_SCORES.unpack(found))
        return True

    def _add(self, pair: Pair, scores: Scores) -> None:
        self._scores[pair] = scores
        if self.kept:
            self.kept.put("scores", pair, _SCORES.pack(*scores))

    def _vectors(self, reference: str) -> Embedding | None:
        found = self.kept.get("vectors", [reference]) if self.kept else None
        return None if found is None else _unpacked(found)

    def _keep(self, reference: str, embedded: Embedding) -> None:
        if self.kept and not embedded.empty:
            self.kept.put("vectors", [reference], _packed(embedded))


def _packed(embedded: Embedding) -> bytes:
    """Convert an embedding to bytes: the number of tokens, their weights, and their vectors."""
    numbers = torch.cat([embedded.weights, embedded.vectors.flatten()])
    return _TOKENS.pack(len(embedded.weights)) + numbers.numpy().astype("<f4").tobytes()


def _unpacked(content: bytes) -> Embedding:
    [tokens] = _TOKENS.unpack_from(content)
    numbers = torch.frombuffer(bytearray(content[_TOKENS.size :]), dtype=torch.float32)
    return Embedding(numbers[tokens:].view(tokens, -1), numbers[:tokens])
