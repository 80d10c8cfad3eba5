"""Sentence embeddings: the normalised mean of the token vectors, as the model card of MiniLM describes.

Texts with the same number of tokens form a batch, so there is no padding. The batches depend only on the set of texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from codetune.core.errors import UserError, error_text
from codetune.core.progress import track
from codetune.models.encoders.locate import EncoderFiles

Vectors = npt.NDArray[np.float32]
_BATCH_TOKENS = 4096


class SentenceEncoder:
    """Encodes texts as vectors of length 1. The dot product of two vectors is their cosine similarity.

    :param files: the files of the model and its tokenizer.
    :param key: the parameter that names the encoder, for error messages.
    :param max_tokens: longer texts are cut to this number of tokens, special tokens included.
    :raises UserError: when the files cannot be loaded.
    """

    def __init__(self, files: EncoderFiles, key: str, max_tokens: int) -> None:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.files = files
        self.max_tokens = max_tokens
        try:
            options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
            self._tokenizer = AutoTokenizer.from_pretrained(files.folder, **options)
            self._model = AutoModel.from_pretrained(files.folder, use_safetensors=True, dtype=torch.float32, **options)
        except Exception as error:
            raise UserError(
                f"{key}.model: {files.folder} cannot be loaded: {type(error).__name__}: {error_text(error)}",
                "Restore its files, or use minilm.",
            ) from None
        self._model.eval()

    @property
    def signature(self) -> str:
        """Return the settings of the encoder as text. Only similarities with equal signatures can be compared."""
        return (
            f"model:{self.files.name}|weights:{self.files.weights[:16]}|tokenizer:{self.files.tokenizer[:16]}"
            f"|pooling:mean|max_tokens:{self.max_tokens}"
        )

    def embed(self, texts: Sequence[str], label: str) -> Vectors:
        """Return one vector per text, of shape `(texts, hidden)`. Equal texts are encoded once.

        :param label: the label of the progress bar.
        """
        if not texts:
            return np.zeros((0, self._model.config.hidden_size), dtype=np.float32)
        distinct = sorted(set(texts))
        ids = self._tokenizer(distinct, truncation=True, max_length=self.max_tokens)["input_ids"]
        order = sorted(range(len(distinct)), key=lambda place: len(ids[place]), reverse=True)
        vectors = np.zeros((len(distinct), self._model.config.hidden_size), dtype=np.float32)
        batches = list(_batches([(place, ids[place]) for place in order]))
        for places, rows in track(batches, len(batches), label):
            vectors[places] = self._encode(torch.tensor(rows))
        where = {text: place for place, text in enumerate(distinct)}
        return vectors[[where[text] for text in texts]]

    @torch.inference_mode()
    def embed_bag_of_words(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per text, of shape `(texts, hidden)`, that depends on its tokens but not on their order.

        It is the normalised sum of the token embeddings, weighted by inverse document frequency among `texts`, minus
        the mean over all texts. This is about a hundred times faster than `embed`, and precise enough to exclude texts
        that share no words.
        """
        options = {"truncation": True, "max_length": self.max_tokens, "add_special_tokens": False}
        ids = [torch.tensor(row, dtype=torch.long) for row in self._tokenizer(list(texts), **options)["input_ids"]]
        table = self._model.get_input_embeddings().weight
        frequency = torch.bincount(torch.cat([torch.unique(row) for row in ids]), minlength=len(table))
        weights = torch.log(len(ids) / frequency.clamp(min=1))[:, None]
        sums = torch.stack([(table[row] * weights[row]).sum(dim=0) for row in ids])
        found: Vectors = torch.nn.functional.normalize(sums - sums.mean(dim=0), dim=-1).numpy()
        return found

    @torch.inference_mode()
    def _encode(self, ids: torch.Tensor) -> Vectors:
        """Return the vectors of texts of equal length.

        :param ids: token ids of shape `(texts, tokens)`.
        """
        hidden = self._model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        found: Vectors = torch.nn.functional.normalize(hidden.mean(dim=1), dim=-1).numpy()
        return found


def _batches(rows: Iterable[tuple[int, list[int]]]) -> Iterator[tuple[list[int], list[list[int]]]]:
    """Yield batches of rows of equal length, with at most `_BATCH_TOKENS` tokens each."""
    for length, same in groupby(rows, key=lambda row: len(row[1])):
        members = list(same)
        size = max(1, _BATCH_TOKENS // max(1, length))
        for start in range(0, len(members), size):
            part = members[start : start + size]
            yield [place for place, _ in part], [ids for _, ids in part]
