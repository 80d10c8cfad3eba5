"""The pretraining corpus as one stream of token ids, with the borders of its documents."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerFast

from codetune.files import atomic_file, stable_seed
from codetune.ingestion.functions import documented_functions, parse


@dataclass(frozen=True)
class Corpus:
    """Files in an order drawn from the seed, and those held out from training."""

    training: list[dict[str, Any]]
    held_out: list[dict[str, Any]]


@dataclass(frozen=True)
class Stream:
    """Documents one after the other, an end token after each.

    `ids` are token ids of shape `(n,)`; `positions`, of the same shape, count from 0 in each document.
    """

    ids: torch.Tensor
    positions: torch.Tensor

    def save(self, path: Path) -> None:
        """Write the stream, for a run that goes on."""
        with atomic_file(path) as temporary:
            save_file({"ids": self.ids, "positions": self.positions}, temporary)

    @classmethod
    def load(cls, path: Path) -> Stream:
        """The stream that `save` wrote."""
        return cls(**load_file(path))

    def rows(self, start: int, count: int, length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Inputs, targets and positions, each of shape `(count, length)`, from token `start` on.

        The stream starts over at its end. Positions count from 0 in each document and in each row, so that no row
        reaches beyond the context.
        """
        size = len(self.ids)
        index = torch.arange(start, start + count * length + 1) % size
        ids = self.ids[index].long()
        positions = self.positions[index[:-1]].long().view(count, length)
        columns = torch.arange(length)
        inside = torch.where(positions - columns == positions[:, :1], columns, positions)
        return ids[:-1].view(count, length), ids[1:].view(count, length), inside


def arrange(files: list[dict[str, Any]], seed: int, held_out: int) -> Corpus:
    """`files` in an order drawn from `seed` and their digests; the first `held_out` of them are held out."""
    ordered = sorted(files, key=lambda file: (stable_seed(seed, "corpus", file["sha256"]), file["path"]))
    return Corpus(training=ordered[held_out:], held_out=ordered[:held_out])


def functions_of(file: dict[str, Any], max_chars: int) -> Iterator[str]:
    """The documented functions of a file as documents of their own: signature, description, body, no indentation."""
    tree = parse(file["text"])
    if tree is None:
        return
    for function in documented_functions(file["text"], tree):
        text = textwrap.dedent(function.code).strip() + "\n"
        if len(text) <= max_chars:
            yield text


def single_functions(files: list[dict[str, Any]], max_chars: int) -> list[str]:
    """Every documented function of `files` that is not too long, once."""
    return list(dict.fromkeys(text for file in files for text in functions_of(file, max_chars)))


def documents(files: list[dict[str, Any]], functions: list[str], seed: int, function_share: float) -> list[str]:
    """Files and some of their functions, in an order drawn from `seed` and their content.

    :param function_share: share of the functions that are taken.
    """
    limit = int(function_share * (1 << 32))
    taken = [text for text in functions if stable_seed(seed, "function", text) % (1 << 32) < limit]
    return shuffled([*(file["text"] for file in files), *taken], seed)


def shuffled(texts: list[str], seed: int) -> list[str]:
    """Distinct texts in an order drawn from `seed` and themselves."""
    return sorted(set(texts), key=lambda text: stable_seed(seed, "order", text))


def stream(tokenizer: PreTrainedTokenizerFast, texts: list[str], enough: int | None = None) -> Stream:
    """`texts` as token ids, an end token after each.

    :param enough: tokens after which no further documents are taken in; None takes all.
    """
    ids: list[np.ndarray[Any, Any]] = []
    positions: list[np.ndarray[Any, Any]] = []
    end = tokenizer.eos_token_id
    size = 0
    for start in range(0, len(texts), 256):
        if enough is not None and size >= enough:
            break
        for encoded in tokenizer(texts[start : start + 256], add_special_tokens=False, verbose=False)["input_ids"]:
            ids.append(np.array([*encoded, end], dtype=np.int32))
            positions.append(np.arange(len(encoded) + 1, dtype=np.int32))
            size += len(encoded) + 1
    if not ids:
        return Stream(torch.zeros(0, dtype=torch.int32), torch.zeros(0, dtype=torch.int32))
    return Stream(torch.from_numpy(np.concatenate(ids)), torch.from_numpy(np.concatenate(positions)))


def by_license(tokenizer: PreTrainedTokenizerFast, files: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Files, bytes and tokens under each license."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: {"files": 0, "bytes": 0, "tokens": 0})
    for start in range(0, len(files), 256):
        part = files[start : start + 256]
        encoded = tokenizer([file["text"] for file in part], add_special_tokens=False, verbose=False)["input_ids"]
        for file, ids in zip(part, encoded, strict=True):
            count = counts[file["license"]]
            count["files"] += 1
            count["bytes"] += len(file["text"].encode())
            count["tokens"] += len(ids)
    return dict(sorted(counts.items()))
