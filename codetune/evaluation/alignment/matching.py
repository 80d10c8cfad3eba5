"""The alignment behind one BERTScore: the same embeddings and the same cosines as the stage `score` takes."""

from __future__ import annotations

import torch

from codetune.core.errors import UserError
from codetune.evaluation.alignment.result import Alignment
from codetune.evaluation.metrics.bertscore import BertEncoder, Embedding, match
from codetune.models.encoders.locate import EncoderFiles

_DIGITS = 4


class Aligner:
    """Aligns texts by one layer of an encoder.

    :raises UserError: when the files cannot be loaded, or the model has no such layer.
    """

    def __init__(self, files: EncoderFiles, layer: int) -> None:
        from transformers import AutoTokenizer

        self._encoder = BertEncoder(files, layer)
        self._tokenizer = AutoTokenizer.from_pretrained(files.folder, local_files_only=True, trust_remote_code=False)

    def align(self, reference: str, answer: str) -> Alignment:
        """The alignment of an answer with its reference.

        :raises UserError: when either has no tokens.
        """
        sides = [self._encoder.embed(text) for text in (reference, answer)]
        if any(side.empty for side in sides):
            raise UserError("an empty text has no tokens to align", "Choose another prompt or answer.")
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
        """The tokens as they stand in `text`, not as the vocabulary spells them; special ones in brackets."""
        stripped = text.strip()  # as the encoder does
        found = self._tokenizer(stripped, truncation=False, verbose=False, return_offsets_mapping=True)
        names = self._tokenizer.convert_ids_to_tokens(found["input_ids"])
        tokens = [
            stripped[start:end] if end > start else f"[{name.strip('[]<>')}]"
            for name, (start, end) in zip(names, found["offset_mapping"], strict=True)
        ]
        if len(tokens) != count:
            raise UserError(f"the encoder made {count} vectors of {len(tokens)} tokens", "Choose another encoder.")
        return tokens


def _unit(embedding: Embedding) -> torch.Tensor:
    """The vectors of a text, each of length one."""
    with torch.inference_mode():
        return torch.nn.functional.normalize(embedding.vectors, dim=-1)
