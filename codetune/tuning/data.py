"""Rows to training examples, and examples to batches of like length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from codetune.errors import UserError
from codetune.files import stable_seed
from codetune.prompt import IGNORED_LABEL, example_ids
from codetune.schemas.declaration import Schema
from codetune.schemas.reading import read_rows

_SORTED_BATCHES = 32  # batches whose rows are sorted by length together: little padding, and much chance left


@dataclass(frozen=True)
class TokenizedRow:
    """One row as ids, with the id it has in the data."""

    row_id: str
    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class TokenizedRows:
    """The rows that can be trained on, and how many were drawn besides that could not, by reason."""

    rows: list[TokenizedRow]
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Tokens of all rows, without padding."""
        return sum(len(row.input_ids) for row in self.rows)


@dataclass(frozen=True)
class Batch:
    """Rows as tensors.

    `input_ids` has shape `(rows, length)`, padded on the right; `positions` index the flattened ids whose next token
    is to be predicted, `targets` hold those tokens: both of shape `(n,)`.
    """

    row_ids: list[str]
    input_ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    tokens: int


def load_rows(
    path: Path, schema: Schema, tokenizer: Any, *, max_rows: int, max_tokens: int, seed: int
) -> TokenizedRows:
    """The rows of a file as ids; up to `max_rows` of them (0: all), drawn from the seed and each row's id alone.

    A row longer than `max_tokens` is dropped and counted: cut, it would teach the model to stop nowhere.

    :param schema: what the file is declared to hold.
    :raises UserError: when a row is not as declared, or none is left.
    """
    rows = sorted(read_rows(path, schema), key=lambda row: (stable_seed(seed, "draw", row["id"]), row["id"]))
    kept: list[TokenizedRow] = []
    dropped: Counter[str] = Counter({"too_long": 0})
    for row in rows:
        if len(kept) == max_rows > 0:
            break
        example = example_ids(tokenizer, row["instruction"], row["completion"], max_tokens)
        if example.truncated:
            dropped["too_long"] += 1
        else:
            kept.append(TokenizedRow(row["id"], example.input_ids, example.labels))
    if not kept:
        raise UserError(
            f"{path}: no row is left of {len(rows)} ({dropped['too_long']} longer than {max_tokens} tokens)",
            "Raise train.max_tokens, or run `dvc repro` to make the data.",
        )
    return TokenizedRows(kept, dict(dropped))


def training_batches(rows: list[TokenizedRow], batch_size: int, seed: int, epoch: int, pad_id: int) -> list[Batch]:
    """The batches of one epoch, in training order: rows of like length together, batches in a seeded order.

    Rows are shuffled, sorted by length within stretches of some batches, cut into batches, and these are shuffled.
    Every draw comes from the seed, the epoch and the row ids: the order of `rows` does not matter.
    """

    def rank(row: TokenizedRow) -> tuple[int, str]:
        return stable_seed(seed, "order", str(epoch), row.row_id), row.row_id

    shuffled = sorted(rows, key=rank)
    stretch = batch_size * _SORTED_BATCHES
    groups: list[list[TokenizedRow]] = []
    for start in range(0, len(shuffled), stretch):
        by_length = sorted(shuffled[start : start + stretch], key=lambda row: len(row.input_ids))
        groups += [by_length[at : at + batch_size] for at in range(0, len(by_length), batch_size)]
    groups.sort(key=lambda group: rank(group[0]))
    return [collate(group, pad_id) for group in groups]


def validation_batches(rows: list[TokenizedRow], batch_size: int, pad_id: int) -> list[Batch]:
    """All rows by length, the shortest first."""
    by_length = sorted(rows, key=lambda row: (len(row.input_ids), row.row_id))
    return [collate(by_length[at : at + batch_size], pad_id) for at in range(0, len(by_length), batch_size)]


def collate(rows: list[TokenizedRow], pad_id: int) -> Batch:
    """The rows as one batch, with the places where a label is to be predicted."""
    length = max(len(row.input_ids) for row in rows)
    input_ids = torch.full((len(rows), length), pad_id)
    positions: list[int] = []
    targets: list[int] = []
    for index, row in enumerate(rows):
        input_ids[index, : len(row.input_ids)] = torch.tensor(row.input_ids)
        for at, label in _predicted(row):
            positions.append(index * length + at)
            targets.append(label)
    return Batch(
        row_ids=[row.row_id for row in rows],
        input_ids=input_ids,
        positions=torch.tensor(positions),
        targets=torch.tensor(targets),
        tokens=sum(len(row.input_ids) for row in rows),
    )


def _predicted(row: TokenizedRow) -> Iterator[tuple[int, int]]:
    """(position, label of the next one) wherever there is such a label."""
    for at, label in enumerate(row.labels[1:]):
        if label != IGNORED_LABEL:
            yield at, label


def padded_share(batches: list[Batch]) -> float:
    """The share of padding among all positions of `batches`."""
    positions = sum(batch.input_ids.numel() for batch in batches)
    return 1 - sum(batch.tokens for batch in batches) / positions
