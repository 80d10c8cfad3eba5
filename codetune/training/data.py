"""Rows to training examples, and examples to batches of like length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, stable_seed
from codetune.models.answer_form import TaughtForm, written
from codetune.models.prompt import IGNORED_LABEL, example_ids
from codetune.schemas.declaration import Schema
from codetune.schemas.reading import read_rows
from codetune.training.params import TooLong

_SORTED_STEPS = 32  # steps whose rows are sorted by length together: little padding, and much chance left


@dataclass(frozen=True)
class RowLimits:
    """Which rows of a file are drawn.

    :param max_rows: the most rows; 0 takes all.
    :param max_tokens: of a row, prompt and end token included.
    :param too_long: what becomes of a longer row: it is dropped, cut (and teaches no end), or an error.
    :param weights: of sources, by name: how much likelier a row is drawn; 1 for those that are not named.
    """

    max_rows: int
    max_tokens: int
    seed: int
    too_long: TooLong = "drop"
    weights: Mapping[str, int] = field(default_factory=dict)

    def place(self, row: JsonObject) -> tuple[int, str]:
        """Where a row stands in the draw, first ones first.

        The smallest of n numbers drawn evenly comes before one such number n times as often as it comes after it.
        """
        marks = ["draw", *(f"draw {number}" for number in range(1, self.weights.get(row["source"], 1)))]
        return min(stable_seed(self.seed, mark, row["id"]) for mark in marks), row["id"]


@dataclass(frozen=True)
class TokenizedRow:
    """One row as ids, with the id it has in the data."""

    row_id: str
    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class TokenizedRows:
    """The rows that can be trained on, and how many were drawn besides that could not, by reason.

    :param truncated: rows that were cut, and have lost their end token.
    :param sources: how many of the rows are of each source.
    """

    rows: list[TokenizedRow]
    dropped: dict[str, int] = field(default_factory=dict)
    truncated: int = 0
    sources: dict[str, int] = field(default_factory=dict)

    @property
    def labels(self) -> int:
        """Tokens that are learnt: of the answers, end tokens included."""
        return sum(label != IGNORED_LABEL for row in self.rows for label in row.labels)

    @property
    def tokens(self) -> int:
        """Tokens of all rows, without padding."""
        return sum(len(row.input_ids) for row in self.rows)


@dataclass(frozen=True)
class Batch:
    """Rows as tensors.

    `input_ids` has shape `(rows, length)`, padded on the right, or `(1, tokens)` with the rows laid end to end, then
    `position_ids` count from 0 in each; `positions` index the flattened ids whose next token is to be predicted,
    `targets` hold those tokens: both of shape `(n,)`.
    """

    row_ids: list[str]
    input_ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    tokens: int
    position_ids: torch.Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        if self.input_ids.device == device:
            return self
        moved: dict[str, Any] = {
            name: held.to(device) for name, held in vars(self).items() if isinstance(held, torch.Tensor)
        }
        return replace(self, **moved)


Step = list[Batch]
"""The batches whose gradients make one optimizer step."""


def load_rows(
    path: Path, schema: Schema, tokenizer: Any, limits: RowLimits, form: TaughtForm = "as_is"
) -> TokenizedRows:
    """The rows of a file as ids, drawn from the seed and each row's id and source alone.

    :param schema: what the file is declared to hold.
    :param form: how answers are taught; what it adds counts as tokens.
    :raises UserError: when a row is not as declared, is too long where that is an error, or none is left, or where a
        source that has a weight has no row.
    """
    rows = sorted(read_rows(path, schema), key=limits.place)
    found = {row["source"] for row in rows}
    if unknown := sorted(set(limits.weights) - found):
        raise UserError(
            f"train.weights names {unknown[0]!r}, expected a source with rows in {path}: {', '.join(sorted(found))}",
            "Name a source of ingest.sources whose rows are in train, or take the weight out.",
        )
    kept: list[TokenizedRow] = []
    sources: Counter[str] = Counter(dict.fromkeys(sorted(found), 0))
    dropped: Counter[str] = Counter({"too_long": 0})
    truncated = 0
    for row in rows:
        if len(kept) == limits.max_rows > 0:
            break
        example = example_ids(tokenizer, row["instruction"], written(row["completion"], form), limits.max_tokens)
        if example.truncated and limits.too_long == "error":
            raise UserError(
                f"{path}: row {row['id']} is longer than {limits.max_tokens} tokens",
                "Raise train.max_tokens, or set train.too_long to drop or cut.",
            )
        if example.truncated and limits.too_long == "drop":
            dropped["too_long"] += 1
        elif example.labels[-1] == IGNORED_LABEL:
            dropped["fully_masked"] += 1
        else:
            truncated += example.truncated
            sources[row["source"]] += 1
            kept.append(TokenizedRow(row["id"], example.input_ids, example.labels))
    if not kept:
        raise UserError(
            f"{path}: no row is left of {len(rows)} ({dropped.total()} longer than {limits.max_tokens} tokens)",
            "Raise train.max_tokens, or run `dvc repro` to make the data.",
        )
    return TokenizedRows(kept, dict(dropped), truncated, dict(sources))


def training_steps(
    rows: list[TokenizedRow],
    batch_size: int,
    accumulation: int,
    seed: int,
    epoch: int,
    lay_out: Callable[[list[TokenizedRow]], Batch],
) -> list[Step]:
    """The steps of one epoch, in training order: rows of like length together, steps in a seeded order.

    Rows are shuffled, sorted by length within stretches of some steps, cut into steps, and these are shuffled.
    Every draw comes from the seed, the epoch and the row ids: the order of `rows` does not matter. A step has
    `accumulation` batches of `batch_size` rows: which rows it has depends on the product alone.

    :param lay_out: makes a batch of some rows: `pack`, or `collate` with an id for padding.
    """

    def rank(row: TokenizedRow) -> tuple[int, str]:
        return stable_seed(seed, "order", str(epoch), row.row_id), row.row_id

    shuffled = sorted(rows, key=rank)
    size = batch_size * accumulation
    stretch = size * _SORTED_STEPS
    groups: list[list[TokenizedRow]] = []
    for start in range(0, len(shuffled), stretch):
        by_length = sorted(shuffled[start : start + stretch], key=lambda row: len(row.input_ids))
        groups += [by_length[at : at + size] for at in range(0, len(by_length), size)]
    groups.sort(key=lambda group: rank(group[0]))
    return [[lay_out(group[at : at + batch_size]) for at in range(0, len(group), batch_size)] for group in groups]


def validation_batches(rows: list[TokenizedRow], batch_size: int, pad_id: int) -> list[Batch]:
    """All rows by length, the shortest first."""
    by_length = sorted(rows, key=lambda row: (len(row.input_ids), row.row_id))
    return [collate(by_length[at : at + batch_size], pad_id) for at in range(0, len(by_length), batch_size)]


def collate(rows: list[TokenizedRow], pad_id: int) -> Batch:
    """The rows as one batch, one below the other, with the places where a label is to be predicted."""
    length = max(len(row.input_ids) for row in rows)
    input_ids = torch.full((len(rows), length), pad_id)
    for index, row in enumerate(rows):
        input_ids[index, : len(row.input_ids)] = torch.tensor(row.input_ids)
    return _batch(rows, input_ids, [index * length for index in range(len(rows))])


def pack(rows: list[TokenizedRow]) -> Batch:
    """The rows as one batch, laid end to end without padding."""
    lengths = [len(row.input_ids) for row in rows]
    input_ids = torch.tensor([[token for row in rows for token in row.input_ids]])
    position_ids = torch.cat([torch.arange(length) for length in lengths])[None]
    return _batch(rows, input_ids, [sum(lengths[:index]) for index in range(len(rows))], position_ids)


def _batch(
    rows: list[TokenizedRow], input_ids: torch.Tensor, starts: list[int], position_ids: torch.Tensor | None = None
) -> Batch:
    """:param starts: where each row begins in the flattened ids."""
    places = [(start + at, label) for start, row in zip(starts, rows, strict=True) for at, label in _predicted(row)]
    return Batch(
        row_ids=[row.row_id for row in rows],
        input_ids=input_ids,
        positions=torch.tensor([place for place, _ in places]),
        targets=torch.tensor([label for _, label in places]),
        tokens=sum(len(row.input_ids) for row in rows),
        position_ids=position_ids,
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
