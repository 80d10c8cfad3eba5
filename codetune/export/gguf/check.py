"""Read a GGUF file back with codetune's own reader, and compare it with the model that was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from codetune.core.errors import UserError
from codetune.export.gguf.configuration import config_differences
from codetune.export.gguf.tokenizer import PROBES
from codetune.export.merge import CheckedAnswers, plain_logits
from codetune.models.gguf.config import make_config
from codetune.models.gguf.header import GgufFile, read_gguf
from codetune.models.gguf.tokenizer import end_ids
from codetune.models.gguf.weights import dequantised, load_gguf_model
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.gguf_writing.storage import StoredTensor, exceeds
from codetune.models.load import LoadedModel, load_tokenizer
from codetune.models.prompt import end_id, prompt_ids

ROUNDINGS = 4
"""Accepted number of rounding errors of a weight, per square root of a layer, that add up in a logit.

The errors of different weights have random signs, so they grow with the square root of the number of layers.
"""
_UNITS = {"F32": 2.0**-24, "F16": 2.0**-11}  # the types whose greedy answers must be equal, up to ties
_WITHOUT = "Set export.gguf.types to [] to export without it."


@dataclass(frozen=True)
class FileCheck:
    """The comparison of a written file with the merged model.

    :param weight_error: root mean square error of the weights, relative to their root mean square.
    :param max_difference: largest difference of a logit on greedy answers.
    :param tokens: number of tokens of these answers.
    :param equal_tokens: number of these tokens that the written model would choose as well.
    :param more_end_ids: ids of tokens that end an answer by their name in llama.cpp, besides those of the model.
    """

    weight_error: float
    max_difference: float
    tokens: int
    equal_tokens: int
    more_end_ids: list[int]


def check_model(
    path: Path, merged: LoadedModel, tensors: Sequence[StoredTensor], texts: Sequence[str], answers: CheckedAnswers
) -> FileCheck:
    """Compare a written file with the merged model.

    :param merged: the model that was written.
    :param tensors: the tensors that were written.
    :param texts: instructions and completions, whose token ids must be equal.
    :param answers: answers, and their logits of the merged model.
    :raises NotConvertibleError: when the configuration has a value that the file cannot express.
    :raises UserError: when token ids, chat template or end tokens differ, or weights or answers differ by more than the
        number type explains.
    """
    file = read_gguf(path)
    _check_config(file, merged)
    check_tokenizer(path, merged, texts)
    more = _check_end_ids(file, merged)
    error = _check_weights(file, tensors)
    kind = next((tensor.kind.name for tensor in tensors if tensor.name == "blk.0.attn_output.weight"), "")
    difference, equal = _check_answers(file, merged, answers, kind)
    return FileCheck(error, difference, sum(map(len, answers.logits)), equal, more)


def _check_config(file: GgufFile, merged: LoadedModel) -> None:
    """Check that the file describes the same model."""
    try:
        stored = make_config(file)
    except UserError as error:
        raise NotConvertibleError(error.what.replace(f"model.base: {file.path}", "the file")) from None
    different = config_differences(merged.model.config, stored)
    if different:
        raise NotConvertibleError(f"GGUF cannot express the configuration: {'; '.join(different)}")


def check_tokenizer(path: Path, merged: LoadedModel, texts: Sequence[str]) -> None:
    """Compare the chat template and the token ids.

    :raises UserError: when they differ.
    """
    ours, theirs = merged.tokenizer, load_tokenizer(path)
    if theirs.chat_template != ours.chat_template:
        raise UserError(f"export: the chat template of {path.name} differs from that of the model", _WITHOUT)
    added = " ".join(f"a{token.content} b" for token in ours.added_tokens_decoder.values())
    for text in (*texts, *PROBES, added):
        for encode in (lambda tokenizer, text: tokenizer(text)["input_ids"], prompt_ids):
            expected, found = encode(ours, text), encode(theirs, text)
            if expected != found:
                place = next(
                    (at for at, pair in enumerate(zip(expected, found, strict=False)) if pair[0] != pair[1]),
                    min(len(expected), len(found)),
                )
                raise UserError(
                    f"export: the tokenizer of {path.name} gives other token ids, first at token {place} of "
                    f"{text[:60]!r}: {found[place : place + 3]}, expected {expected[place : place + 3]}",
                    _WITHOUT,
                )


def _check_end_ids(file: GgufFile, merged: LoadedModel) -> list[int]:
    """Check the end tokens. Return those that the file has besides the model's."""
    found, expected = set(end_ids(file)), set(merged.end_ids)
    own = {merged.tokenizer.eos_token_id, end_id(merged.tokenizer)}
    missing = sorted((expected | own) - found)
    if missing:
        raise UserError(f"export: {file.path.name} ends no answer at the token ids {missing}", _WITHOUT)
    return sorted(found - expected)


def _check_weights(file: GgufFile, tensors: Sequence[StoredTensor]) -> float:
    """Compare each tensor. Return the relative root mean square error of all values."""
    squares = errors = 0.0
    for tensor in tensors:
        values, found = tensor.values(), dequantised(file, tensor.name)
        if exceeds(values, found, tensor.kind.name):
            raise UserError(
                f"export: {tensor.name} in {file.path.name} differs by more than {tensor.kind.name} explains",
                "Check the disk.",
            )
        squares += float(np.square(values, dtype=np.float64).sum())
        errors += float(np.square(values - found, dtype=np.float64).sum())
    return sqrt(errors / squares)


def _check_answers(file: GgufFile, merged: LoadedModel, answers: CheckedAnswers, kind: str) -> tuple[float, int]:
    """Compare logits and greedy tokens. Return the largest difference and the number of equal tokens.

    :raises UserError: for float32 and float16, when another token is chosen although rounding does not explain it.
    """
    model = load_gguf_model(file, merged.model.dtype)
    difference, equal = 0.0, 0
    largest = max(logits.abs().max().item() for logits in answers.logits)
    layers = int(merged.model.config.num_hidden_layers)
    unit = _UNITS.get(kind)
    allowed = float("inf") if unit is None else ROUNDINGS * sqrt(layers) * unit * largest
    for ids, begin, expected in zip(answers.sequences, answers.begins, answers.logits, strict=True):
        found = plain_logits(model, ids)[begin:]
        difference = max(difference, (found - expected).abs().max().item())
        chosen, best = found.argmax(-1, keepdim=True), expected.argmax(-1, keepdim=True)
        gaps = expected.gather(-1, best) - expected.gather(-1, chosen)
        if not bool((gaps <= 2 * allowed).all()):
            raise UserError(
                f"export: {file.path.name} gives other greedy answers: it prefers a token whose logit is "
                f"{gaps.max().item():.2g} lower, and rounding explains {2 * allowed:.2g}",
                _WITHOUT,
            )
        equal += int((chosen == best).sum())
    return difference, equal
