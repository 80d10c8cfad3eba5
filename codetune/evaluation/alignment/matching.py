"""Token alignment with the same embeddings and cosine similarities with which the stage `score` computes BERTScore."""

from __future__ import annotations

import torch

from codetune.core.errors import UserError
from codetune.evaluation.alignment.result import Alignment
from codetune.evaluation.metrics.bertscore import BertEncoder, Embedding, match
from codetune.models.encoders.locate import EncoderFiles

_DIGITS = 4


class Aligner:
    """Aligns texts with the token embeddings of one layer of an encoder.

    :param files: the files of the encoder.
    :param layer: the number of the layer.
    :raises UserError: when the files cannot be loaded, or the model has no such layer.
    """

    def __init__(self, files: EncoderFiles, layer: int) -> None:
        from transformers import AutoTokenizer

        self._encoder = BertEncoder(files, layer)
        self._tokenizer = AutoTokenizer.from_pretrained(files.folder, local_files_only=True, trust_remote_code=False)

    def align(self, reference: str, answer: str) -> Alignment:
        """Align an answer with its reference.

        :param reference: the reference text.
        :param answer: the text of the answer.
        :returns: tokens, similarities and BERTScore of the pair.
        :raises UserError: when either text is empty.
        """
        sides = [self._encoder.embed(text) for text in (reference, answer)]
        if any(side.empty for side in sides):
            raise UserError("an empty text cannot be aligned", "Choose another prompt or answer.")
        similarity = _unit(sides[0]) @ _unit(sides[1]).T
        scores = match(sides[1], sides[0])
        return Alignment(
            self._tokens(reference, len(sides[0].weights)),
            self._tokens(answer, len(sides[1].weights)),
            [[round(float(value), _DIGITS) for value in row] for row in similarity],
            [bool(weight) for weight in sides[0].weights],
            [bool(weight) for weight in sides[1].weights],
            *scores,
            signature=self._encoder.signature,
        )

    def _tokens(self, text: str, count: int) -> list[str]:
        """Return the parts of `text` that the tokens stand for; special tokens appear as their name in brackets."""
        stripped = text.strip()  # the encoder also removes outer white space
        found = self._tokenizer(stripped, truncation=False, verbose=False, return_offsets_mapping=True)
        names = self._tokenizer.convert_ids_to_tokens(found["input_ids"])
        tokens = [
            stripped[start:end] if end > start else f"[{name.strip('[]<>')}]"
            for name, (start, end) in zip(names, found["offset_mapping"], strict=True)
        ]
        if len(tokens) != count:
            raise UserError(f"the encoder returned {count} vectors for {len(tokens)} tokens", "Choose another encoder.")
        return tokens


def _unit(embedding: Embedding) -> torch.Tensor:
    """Return the token vectors of a text, scaled to length 1; shape `(tokens, dim)`."""
    with torch.inference_mode():
        return torch.nn.functional.normalize(embedding.vectors, dim=-1)
