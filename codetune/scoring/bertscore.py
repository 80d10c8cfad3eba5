"""BERTScore (Zhang et al. 2020, arXiv 1904.09675) with the embedding and matching of the bert-score library.

The library's own batch routine goes through a set of strings, whose order changes from process to process and with it
the padding and the last bits; here texts are encoded once each, in an order of their own.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import torch
from bert_score.utils import get_bert_embedding, get_model, get_tokenizer, greedy_cos_idf

from codetune.errors import UserError
from codetune.progress import track
from codetune.scoring.encoder import Encoder

_MATCH_BATCH = 256
_EMPTY = torch.zeros(3)
Embedded = tuple[torch.Tensor, torch.Tensor]


class BertScorer:
    """Scores pairs of texts; embeddings of texts seen before are kept.

    :param encoder: the model; it and its tokenizer are loaded from local files.
    :param layer: the hidden layer compared.
    """

    def __init__(self, encoder: Encoder, layer: int, batch_size: int) -> None:
        self.encoder = encoder
        self.layer = layer
        self._batch_size = batch_size
        logging.getLogger("transformers").setLevel(logging.ERROR)
        try:
            self._model = get_model(encoder.location, layer)
        except AssertionError:
            raise UserError(f"score.bertscore.layer: {encoder.name} has no layer {layer}", "Lower it.") from None
        self._tokenizer = get_tokenizer(encoder.location, use_fast=True)
        positions = int(getattr(self._model.config, "max_position_embeddings", 512))
        offset = 2 if self._model.config.model_type in {"roberta", "xlm-roberta", "camembert"} else 0
        self.max_tokens = positions - offset
        self._tokenizer.model_max_length = self.max_tokens
        self._idf: dict[int, float] = defaultdict(lambda: 1.0)
        for special in (self._tokenizer.sep_token_id, self._tokenizer.cls_token_id):
            self._idf[special] = 0.0
        self._known: dict[str, Embedded] = {}

    @property
    def signature(self) -> str:
        """What two scores must share to be compared."""
        return (
            f"bert-score:{version('bert-score')}|model:{self.encoder.name}|weights:{self.encoder.sha256[:16]}"
            f"|layer:{self.layer}|idf:no|max_tokens:{self.max_tokens}"
        )

    def token_count(self, text: str) -> int:
        """How many tokens `text` has, special ones included, before anything is cut."""
        return len(self._tokenizer(text.strip(), truncation=False)["input_ids"])

    def encode(self, texts: Sequence[str], label: str) -> None:
        """Embed those `texts` that are not known yet, longest first, so that batches are little padded."""
        fresh = sorted(
            {text for text in texts if text.strip()} - self._known.keys(), key=lambda text: (-len(text), text)
        )
        starts = range(0, len(fresh), self._batch_size)
        for start in track(starts, len(starts), label):
            batch = fresh[start : start + self._batch_size]
            with torch.inference_mode():
                embedded, mask, idf = get_bert_embedding(batch, self._model, self._tokenizer, self._idf, device="cpu")
            for row, text in enumerate(batch):
                length = int(mask[row].sum())
                self._known[text] = (embedded[row, :length].clone(), idf[row, :length].clone())

    def _padded(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Embeddings, mask and token weights of a batch, padded as the library pads them."""
        known = [self._known[text] for text in texts]
        embedded = torch.nn.utils.rnn.pad_sequence([item[0] for item in known], batch_first=True, padding_value=2.0)
        weights = torch.nn.utils.rnn.pad_sequence([item[1] for item in known], batch_first=True)
        lengths = torch.tensor([len(item[1]) for item in known])
        return embedded, torch.arange(embedded.shape[1]) < lengths.unsqueeze(1), weights

    def score(self, answers: Sequence[str], references: Sequence[str], label: str) -> torch.Tensor:
        """Precision, recall and F1 of each answer, raw, as a tensor of shape `(n, 3)`.

        An empty answer or reference scores 0, as in the library.
        """
        self.encode([*answers, *references], label)
        scores = _EMPTY.repeat(len(answers), 1)
        filled = [row for row in range(len(answers)) if answers[row].strip() and references[row].strip()]
        filled.sort(key=lambda row: (len(answers[row]) + len(references[row]), row))
        for start in range(0, len(filled), _MATCH_BATCH):
            rows = filled[start : start + _MATCH_BATCH]
            parts: Any = greedy_cos_idf(
                *self._padded([references[row] for row in rows]), *self._padded([answers[row] for row in rows])
            )
            scores[rows] = torch.stack(parts, dim=-1)
        return scores
