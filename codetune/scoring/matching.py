"""Raw scores of answers against references, each pair computed once, and found again in later runs."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable

import torch

from codetune.progress import track
from codetune.scoring.bertscore import BertEncoder, Embedding, Scores, match
from codetune.scoring.kept import Kept

Pair = tuple[str, str]
_SCORES = struct.Struct("<3d")
_TOKENS = struct.Struct("<q")


class Matcher:
    """Scores pairs of texts. Of what is encoded, only the vectors of references are kept: answers seldom come again.

    :param kept: what was computed in earlier runs, and receives what is new.
    """

    def __init__(self, encoder: BertEncoder, kept: Kept | None = None) -> None:
        self.encoder = encoder
        self.kept = kept
        self._scores: dict[Pair, Scores] = {}

    def prepare(self, pairs: Iterable[Pair], label: str) -> None:
        """Score all pairs of answer and reference, with progress; the longest come first."""
        answers: dict[str, set[str]] = defaultdict(set)
        for answer, reference in pairs:
            if not self._known((answer, reference)):
                answers[reference].add(answer)
        references = sorted(answers, key=lambda text: (-len(text), text))
        for reference in track(references, len(references), label):
            embedded = self._reference(reference)
            for answer in sorted(answers[reference]):
                self._add((answer, reference), match(self.encoder.embed(answer), embedded))

    def match(self, answer: str, reference: str) -> Scores:
        """The raw score of an answer against a reference."""
        pair = answer, reference
        if not self._known(pair):
            self._add(pair, match(self.encoder.embed(answer), self._reference(reference)))
        return self._scores[pair]

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

    def _reference(self, text: str) -> Embedding:
        found = self.kept.get("vectors", [text]) if self.kept else None
        if found is not None:
            return _unpacked(found)
        embedded = self.encoder.embed(text)
        if self.kept and not embedded.empty:
            self.kept.put("vectors", [text], _packed(embedded))
        return embedded


def _packed(embedded: Embedding) -> bytes:
    """The number of tokens, their weights and their vectors."""
    numbers = torch.cat([embedded.weights, embedded.vectors.flatten()])
    return _TOKENS.pack(len(embedded.weights)) + numbers.numpy().astype("<f4").tobytes()


def _unpacked(content: bytes) -> Embedding:
    [tokens] = _TOKENS.unpack_from(content)
    numbers = torch.frombuffer(bytearray(content[_TOKENS.size :]), dtype=torch.float32)
    return Embedding(numbers[tokens:].view(tokens, -1), numbers[:tokens])
