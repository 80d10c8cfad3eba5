"""The pretraining corpus as token sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from codetune.files import stable_seed


@dataclass(frozen=True)
class Corpus:
    """Files in training order, and those held out from training."""

    training: list[dict[str, Any]]
    held_out: list[dict[str, Any]]


def arrange(files: list[dict[str, Any]], seed: int, held_out: int) -> Corpus:
    """`files` in an order drawn from `seed` and their digests; the first `held_out` of them are held out."""
    ordered = sorted(files, key=lambda file: (stable_seed(seed, "corpus", file["sha256"]), file["path"]))
    return Corpus(training=ordered[held_out:], held_out=ordered[:held_out])


def sequences(
    tokenizer: PreTrainedTokenizerFast, files: list[dict[str, Any]], length: int, limit: int | None = None
) -> torch.Tensor:
    """Token ids of shape `(n, length + 1)`: files one after the other, an end token after each, cut to rows.

    :param limit: rows at the most; all that the files fill when None. The rest of the last file is left out.
    """
    ids: list[int] = []
    wanted = None if limit is None else limit * length + 1
    for start in range(0, len(files), 64):
        texts = [file["text"] for file in files[start : start + 64]]
        for encoded in tokenizer(texts, add_special_tokens=False)["input_ids"]:
            ids += [*encoded, tokenizer.eos_token_id]
        if wanted is not None and len(ids) >= wanted:
            break
    rows = (len(ids) - 1) // length
    rows = rows if limit is None else min(rows, limit)
    flat = torch.tensor(ids[: rows * length + 1], dtype=torch.int32)
    return flat.unfold(0, length + 1, length)
