"""BERTScore (Zhang et al. 2020, arXiv 1904.09675) with the embedding and matching functions of the bert-score library.

Two things differ from the library, for reproducible scores of texts of any length:

- The library pads texts into batches in the order of a set of strings. So the last bits of a score depend on the other
  texts and change from process to process. Here nothing is padded: each text is encoded alone, or in a batch with texts
  of the same number of tokens if `numerics` ensures the same bits for batches. So its vectors depend only on itself.
- The library truncates texts that are longer than the encoder's limit. Here such a text is encoded in windows that
  overlap by half. Each token's vector comes from the window in which it has most context.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import torch
from bert_score.utils import bert_encode, get_model, get_tokenizer, greedy_cos_idf, sent_encode

from codetune.core.errors import UserError, error_text
from codetune.core.progress import track
from codetune.models.encoders.locate import EncoderFiles
from codetune.numerics import products
from codetune.numerics.thread_limits import run_with_threads

# Some tokenizers report a limit at least as large as this when they have none.
_NO_LIMIT = 10**6
_TEXTS = 1 << 14
_BATCH_TOKENS = 1024


class Scores(NamedTuple):
    """Precision, recall and F1. Raw scores are means of cosine similarities; equal texts have 1."""

    precision: float
    recall: float
    f1: float


NOTHING = Scores(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Embedding:
    """The contextual vectors of one text.

    :param vectors: shape `(tokens, hidden)`, special tokens included.
    :param weights: shape `(tokens,)`: 0 for special tokens, 1 for all others.
    :param windows: the number of windows in which the text was encoded.
    """

    vectors: torch.Tensor
    weights: torch.Tensor
    windows: int = 1

    @property
    def empty(self) -> bool:
        """Whether there are no tokens except special tokens."""
        return not bool(self.weights.any())

    @cached_property
    def unit(self) -> torch.Tensor:
        """The vectors scaled to length 1, shape `(tokens, hidden)`."""
        return torch.nn.functional.normalize(self.vectors, dim=-1)


class Extent(NamedTuple):
    """The size of a text.

    :param empty: whether it has no tokens except special tokens.
    :param long: whether it has more tokens than the encoder takes at once.
    """

    empty: bool
    long: bool


class Window(NamedTuple):
    """A window of a long text, in token indices.

    :param start: the first token of the window.
    :param stop: the token after its last one.
    :param own_start: the first token whose vector is taken from this window.
    :param own_stop: the token after the last one whose vector is taken from this window.
    """

    start: int
    stop: int
    own_start: int
    own_stop: int


def overlapping(length: int, size: int) -> Iterator[Window]:
    """Yield windows that overlap by half and together cover a text.

    The vector of every token is taken from exactly one window: the border is in the middle of the overlap.

    :param length: the number of tokens of the text, more than `size`.
    :param size: the number of tokens of a window.
    """
    step = max(1, size // 2)
    starts = [*range(0, length - size, step), length - size]
    borders = [0, *((later + start + size) // 2 for start, later in pairwise(starts)), length]
    for start, (own_start, own_stop) in zip(starts, pairwise(borders), strict=True):
        yield Window(start, start + size, own_start, own_stop)


class BertEncoder:
    """Encodes texts as embeddings.

    :param files: the files of the model and its tokenizer.
    :param layer: the hidden layer whose vectors are used; 0: the token embeddings.
    :raises UserError: when the files cannot be loaded, or the model has no such layer.
    """

    def __init__(self, files: EncoderFiles, layer: int) -> None:
        self.files = files
        self.layer = layer
        self._model, self._tokenizer = _load(files, layer)
        self.max_tokens = _max_tokens(self._model, self._tokenizer)
        self._tokenizer.model_max_length = _NO_LIMIT  # no truncation
        self._idf: dict[int, float] = defaultdict(lambda: 1.0)
        for special in (self._tokenizer.sep_token_id, self._tokenizer.cls_token_id):
            self._idf[special] = 0.0
        self.extent = lru_cache(_TEXTS)(self._extent)

    @property
    def signature(self) -> str:
        """The signature of the encoder: scores may be compared only if their signatures are equal."""
        return (
            f"bert-score:{version('bert-score')}|model:{self.files.name}|weights:{self.files.weights[:16]}"
            f"|tokenizer:{self.files.tokenizer[:16]}|layer:{self.layer}|idf:no|max_tokens:{self.max_tokens}|long:windows"
        )

    def _extent(self, text: str) -> Extent:
        ids = sent_encode(self._tokenizer, text) if text.strip() else []
        return Extent(not any(self._idf[number] for number in ids), len(ids) > self.max_tokens)

    def embed(self, text: str) -> Embedding:
        """Return the embedding of a text, encoded in windows if it has more than `max_tokens` tokens."""
        if not text.strip():
            return Embedding(torch.zeros(0, 1), torch.zeros(0))
        ids = sent_encode(self._tokenizer, text)
        weights = torch.tensor([self._idf[number] for number in ids])
        if len(ids) <= self.max_tokens:
            return Embedding(self._encode([ids])[0], weights)
        special = self._tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
        before, after = special.index(0), special[::-1].index(0)
        first, inner, last = ids[:before], ids[before : len(ids) - after], ids[len(ids) - after :]
        windows = list(overlapping(len(inner), self.max_tokens - before - after))
        parts = []
        for window in windows:
            [vectors] = self._encode([[*first, *inner[window.start : window.stop], *last]])
            own = slice(before + window.own_start - window.start, before + window.own_stop - window.start)
            parts.append(vectors[own])
            if window is windows[0]:
                parts.insert(0, vectors[:before])
            if window is windows[-1]:
                parts.append(vectors[len(vectors) - after :])
        return Embedding(torch.cat(parts), weights, len(windows))

    def _encode(self, rows: list[list[int]]) -> torch.Tensor:
        """Return the vectors of rows of token ids of equal length, shape `(rows, tokens, hidden)`."""
        ids = torch.tensor(rows)
        with torch.inference_mode():
            vectors: torch.Tensor = bert_encode(self._model, ids, attention_mask=torch.ones_like(ids))
        return vectors

    def embed_all(self, texts: Iterable[str], label: str) -> dict[str, Embedding]:
        """Encode all distinct texts and show the progress; the longest come first, so that the speed increases.

        :param texts: the texts; repeated ones are encoded once.
        :param label: the name in the progress display.
        :returns: the embeddings by text.
        """
        ids = {text: sent_encode(self._tokenizer, text) for text in sorted(set(texts)) if text.strip()}
        found = {text: self.embed(text) for text in set(texts) - ids.keys()}
        batches = list(self._batches(ids))
        for batch in track(batches, len(batches), label):
            if len(batch) == 1:
                found[batch[0]] = self.embed(batch[0])
                continue
            for text, vectors in zip(batch, self._encode([ids[text] for text in batch]), strict=True):
                found[text] = Embedding(vectors, torch.tensor([self._idf[number] for number in ids[text]]))
        return found

    def _batches(self, ids: Mapping[str, Sequence[int]]) -> Iterator[list[str]]:
        """Yield batches of texts of the same number of tokens; batches of one if batching would change the bits."""
        together = products.installed()
        for length, same in groupby(sorted(ids, key=lambda text: -len(ids[text])), key=lambda text: len(ids[text])):
            members = list(same)
            size = max(1, _BATCH_TOKENS // length) if together and length <= self.max_tokens else 1
            yield from (members[start : start + size] for start in range(0, len(members), size))


def match(answer: Embedding, reference: Embedding) -> Scores:
    """Compute the raw BERTScore of an answer against a reference; 0 if either is empty, as in bert-score.

    :param answer: the embedding of the answer.
    :param reference: the embedding of the reference.
    """
    if answer.empty or reference.empty:
        return NOTHING
    with torch.inference_mode():
        # The library normalizes its arguments in place, so it gets copies. A second thread costs more than it saves.
        parts = run_with_threads(1, greedy_cos_idf, *_as_batch(reference), *_as_batch(answer))
    return Scores(*(float(part[0]) for part in parts))


def match_many(answer: Embedding, references: Sequence[Embedding]) -> list[Scores]:
    """Compute the raw BERTScore against each of several references with one matrix product.

    The last bits may differ from those of `match`.

    :param answer: the embedding of the answer.
    :param references: the embeddings of the references.
    """
    full = [reference for reference in references if not reference.empty]
    if answer.empty or not full:
        return [NOTHING] * len(references)
    with torch.inference_mode():
        cosines = answer.unit @ torch.cat([reference.unit for reference in full]).t()
        parts = torch.split(cosines, [len(reference.weights) for reference in full], dim=1)
        scores = iter(run_with_threads(1, _scores_of, parts, answer, full))
    return [NOTHING if reference.empty else next(scores) for reference in references]


def _scores_of(parts: Sequence[torch.Tensor], answer: Embedding, references: Sequence[Embedding]) -> list[Scores]:
    """Return the scores of pairs from their cosine similarities of shape `(answer tokens, reference tokens)`."""
    found = []
    for cosines, reference in zip(parts, references, strict=True):
        precision = _weighted(cosines.amax(dim=1), answer.weights)
        recall = _weighted(cosines.amax(dim=0), reference.weights)
        total = precision + recall
        found.append(Scores(precision, recall, 2 * precision * recall / total if total else 0.0))
    return found


def _weighted(values: torch.Tensor, weights: torch.Tensor) -> float:
    return float((values * (weights / weights.sum())).sum())


def _as_batch(embedding: Embedding) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return copies of vectors, mask and weights as a batch of one."""
    mask = torch.ones(1, len(embedding.weights), dtype=torch.bool)
    return embedding.vectors.clone().unsqueeze(0), mask, embedding.weights.clone().unsqueeze(0)


def _load(files: EncoderFiles, layer: int) -> tuple[Any, Any]:
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # The library guesses the architecture from the name: a path that contains "t5", such as /project5/model, would
        # be loaded as T5 with random weights. So it gets "." instead of the path.
        with contextlib.chdir(files.folder):
            return get_model(".", layer).float(), get_tokenizer(".", use_fast=True)
    except AssertionError as error:
        raise UserError(f"score.bertscore.layer: {files.name} has no layer {layer}: {error}", "Lower it.") from None
    except Exception as error:
        raise UserError(
            f"score.bertscore.model: {files.folder} cannot be loaded: {type(error).__name__}: {error_text(error)}",
            "Restore its files, or set score.bertscore.model to minilm.",
        ) from None


def _max_tokens(model: Any, tokenizer: Any) -> int:
    """Return the largest number of tokens, including special tokens, that model and tokenizer both accept."""
    limits = [limit for limit in (int(tokenizer.model_max_length),) if limit < _NO_LIMIT]
    embedding = next((part for name, part in model.named_modules() if name.endswith("position_embeddings")), None)
    if isinstance(embedding, torch.nn.Embedding):
        # In RoBERTa and similar models, position ids start after the id of the padding token.
        reserved = 0 if embedding.padding_idx is None else embedding.padding_idx + 1
        limits.append(embedding.num_embeddings - reserved)
    return min(limits, default=512)
