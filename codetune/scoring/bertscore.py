"""BERTScore (Zhang et al. 2020, arXiv 1904.09675), by the embedding and the matching of the bert-score library.

The library pads texts to batches, whose order follows that of a set of strings: the last bits of a score depend on the
other texts, and change from process to process. Here each text is encoded by itself, once, so that its score depends
on nothing but itself; on a CPU that is also faster, since nothing is spent on padding and a text stays in the cache.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from bert_score.utils import get_bert_embedding, get_model, get_tokenizer, greedy_cos_idf

from codetune.encoders.locate import EncoderFiles
from codetune.errors import UserError
from codetune.progress import track

# What some tokenizers give as the limit when none was set.
_NO_LIMIT = 10**6


class Scores(NamedTuple):
    """Precision, recall and F1; raw they are cosines, 1 for equal texts."""

    precision: float
    recall: float
    f1: float


NOTHING = Scores(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Embedding:
    """The contextual vectors of one text.

    :param vectors: shape `(tokens, hidden)`, special tokens included.
    :param weights: shape `(tokens,)`: 0 for special tokens, 1 for all others.
    :param truncated: whether the text was longer than the encoder takes.
    """

    vectors: torch.Tensor
    weights: torch.Tensor
    truncated: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is no token but special ones."""
        return not bool(self.weights.any())


class BertEncoder:
    """Turns texts into embeddings.

    :param files: where the model and its tokenizer lie.
    :param layer: the hidden layer that is taken, 0 being the token embeddings.
    :raises UserError: when the files cannot be loaded, or the model has no such layer.
    """

    def __init__(self, files: EncoderFiles, layer: int) -> None:
        self.files = files
        self.layer = layer
        self._model, self._tokenizer = _load(files, layer)
        self.max_tokens = _max_tokens(self._model, self._tokenizer)
        self._tokenizer.model_max_length = self.max_tokens
        self._idf: dict[int, float] = defaultdict(lambda: 1.0)
        for special in (self._tokenizer.sep_token_id, self._tokenizer.cls_token_id):
            self._idf[special] = 0.0

    @property
    def signature(self) -> str:
        """What two scores must share to be compared."""
        return (
            f"bert-score:{version('bert-score')}|model:{self.files.name}|weights:{self.files.weights[:16]}"
            f"|tokenizer:{self.files.tokenizer[:16]}|layer:{self.layer}|idf:no|max_tokens:{self.max_tokens}"
        )

    def embed(self, text: str) -> Embedding:
        """The embedding of `text`; what is over `max_tokens` is cut, and said to be."""
        if not text.strip():
            return Embedding(torch.zeros(0, 1), torch.zeros(0))
        length = len(self._tokenizer(text.strip(), truncation=False, verbose=False)["input_ids"])
        with torch.inference_mode():
            vectors, _, weights = get_bert_embedding([text], self._model, self._tokenizer, self._idf, device="cpu")
        return Embedding(vectors[0], weights[0], length > self.max_tokens)

    def embed_all(self, texts: Iterable[str], label: str) -> dict[str, Embedding]:
        """The embeddings of all distinct `texts`, with progress; the longest first, so that it speeds up at the end."""
        distinct = sorted(set(texts), key=lambda text: (-len(text), text))
        return {text: self.embed(text) for text in track(distinct, len(distinct), label)}


def match(answer: Embedding, reference: Embedding) -> Scores:
    """The raw score of an answer against a reference; 0 when either is empty, as in the library."""
    if answer.empty or reference.empty:
        return NOTHING
    with torch.inference_mode():
        # The library normalises what it is given in place.
        parts = greedy_cos_idf(*_as_batch(reference), *_as_batch(answer))
    return Scores(*(float(part[0]) for part in parts))


def _as_batch(embedding: Embedding) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Copies of vectors, mask and weights with a leading dimension of one."""
    mask = torch.ones(1, len(embedding.weights), dtype=torch.bool)
    return embedding.vectors.clone().unsqueeze(0), mask, embedding.weights.clone().unsqueeze(0)


def _load(files: EncoderFiles, layer: int) -> tuple[Any, Any]:
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # The library guesses the architecture from the name: a path with "t5" in it, such as /project5/model, would be
        # loaded as T5 with random weights. So it is given no path.
        with contextlib.chdir(files.folder):
            return get_model(".", layer).float(), get_tokenizer(".", use_fast=True)
    except AssertionError as error:
        raise UserError(f"score.bertscore.layer: {files.name} has no layer {layer}: {error}", "Lower it.") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"score.bertscore.model: {files.folder} cannot be loaded: {type(error).__name__}: {reason}",
            "Restore its files, or use minilm.",
        ) from None


def _max_tokens(model: Any, tokenizer: Any) -> int:
    """The largest number of tokens, special ones included, that model and tokenizer both take."""
    limits = [limit for limit in (int(tokenizer.model_max_length),) if limit < _NO_LIMIT]
    embedding = next((part for name, part in model.named_modules() if name.endswith("position_embeddings")), None)
    if isinstance(embedding, torch.nn.Embedding):
        # RoBERTa and its kin number positions from beyond the padding token's.
        reserved = 0 if embedding.padding_idx is None else embedding.padding_idx + 1
        limits.append(embedding.num_embeddings - reserved)
    return min(limits, default=512)
