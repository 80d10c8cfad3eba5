"""Convert rows to token ids, and group them into batches of similar length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, stable_seed
from codetune.models.answer_form import TaughtForm, format_completion
from codetune.models.prompt import IGNORED_LABEL, example_ids
from codetune.schemas.declaration import Schema
from codetune.schemas.reading import read_rows
from codetune.training.params import TooLong

_SORTED_STEPS = 32  # steps whose rows are sorted by length together: little padding, and the order stays random


@dataclass(frozen=True)
class RowLimits:
    """The rules for drawing rows from a file.

    :param max_rows: largest number of rows; 0: all rows.
    :param max_tokens: largest number of tokens per row, prompt and end token included.
    :param seed: the seed of the draw.
    :param too_long: what happens to a longer row: `drop`, `cut` (the row loses its end token) or `error`.
    :param weights: weight of a source by its name: how much more likely its rows are drawn; 1 for other sources.
    """

    max_rows: int
    max_tokens: int
    seed: int
    too_long: TooLong = "drop"
    weights: Mapping[str, int] = field(default_factory=dict)

    def place(self, row: JsonObject) -> tuple[int, str]:
        """Return the sort key of a row in the draw; rows with small keys are drawn first.

        The key of a source with weight n is the smallest of n uniform numbers. It is smaller than one uniform number
        with probability n / (n + 1), so such a row comes first n times as often as it comes second.
        """
        marks = ["draw", *(f"draw {number}" for number in range(1, self.weights.get(row["source"], 1)))]
        return min(stable_seed(self.seed, mark, row["id"]) for mark in marks), row["id"]


@dataclass(frozen=True)
class TokenizedRow:
    """One row as token ids, with its row id."""

    row_id: str
    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class TokenizedRows:
    """The rows that are used for training, and counts of the other rows.

    :param dropped: number of drawn rows that cannot be used, by reason.
    :param truncated: number of rows that were cut and have lost their end token.
    :param sources: number of rows of each source.
    """

    rows: list[TokenizedRow]
    dropped: dict[str, int] = field(default_factory=dict)
    truncated: int = 0
    sources: dict[str, int] = field(default_factory=dict)

    @property
    def labels(self) -> int:
        """Return the number of tokens with a label: all tokens of completions, end tokens included."""
        return sum(label != IGNORED_LABEL for row in self.rows for label in row.labels)

    @property
    def tokens(self) -> int:
        """Return the number of tokens of all rows, without padding."""
        return sum(len(row.input_ids) for row in self.rows)


@dataclass(frozen=True)
class Batch:
    """Rows as tensors.

    :param row_ids: the ids of the rows.
    :param input_ids: padded rows of shape `(rows, length)`, with padding on the right; or packed rows of shape
        `(1, tokens)`, one row after another.
    :param positions: indices into the flattened ids of the tokens whose next token is predicted, of shape `(n,)`.
    :param targets: the tokens to predict, of shape `(n,)`.
    :param tokens: number of tokens without padding.
    :param position_ids: only for packed rows, of the shape of `input_ids`: positions start at 0 in each row.
    """

    row_ids: list[str]
    input_ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    tokens: int
    position_ids: torch.Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        if self.input_ids.device == device:
            return self
        moved: dict[str, Any] = {
            name: held.to(device) for name, held in vars(self).items() if isinstance(held, torch.Tensor)
        }
        return replace(self, **moved)


Step = list[Batch]
"""The batches of one optimizer step."""


def load_rows(
    path: Path, schema: Schema, tokenizer: Any, limits: RowLimits, form: TaughtForm = "as_is"
) -> TokenizedRows:
    """Load rows as token ids. Which rows are drawn depends only on the seed and on each row's id and source.

    :param path: a JSONL file of rows.
    :param schema: the schema that each row must have.
    :param form: how answers are taught; a Markdown fence counts as tokens.
    :raises UserError: when a row does not match the schema, when a row is too long and `too_long` is `error`, when no
        row is left, or when a source with a weight has no row.
    """
    rows = sorted(read_rows(path, schema), key=limits.place)
    found = {row["source"] for row in rows}
    if unknown := sorted(set(limits.weights) - found):
        raise UserError(
            f"train.weights names {unknown[0]!r}, expected a source with rows in {path}: {', '.join(sorted(found))}",
            "Use a source of ingest.sources whose rows are in train, or remove the weight.",
        )
    kept: list[TokenizedRow] = []
    sources: Counter[str] = Counter(dict.fromkeys(sorted(found), 0))
    dropped: Counter[str] = Counter({"too_long": 0})
    truncated = 0
    for row in rows:
        if len(kept) == limits.max_rows > 0:
            break
        example = example_ids(
            tokenizer, row["instruction"], format_completion(row["completion"], form), limits.max_tokens
        )
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
            f"{path}: none of {len(rows)} rows can be used "
            f"({dropped['too_long']} are longer than {limits.max_tokens} tokens)",
            "Raise train.max_tokens, or run `dvc repro` to make the data.",
        )
    return TokenizedRows(kept, dict(dropped), truncated, dict(sources))


def training_steps(
    rows: list[TokenizedRow],
    batch_size: int,
    accumulation: int,
    seed: int,
    epoch: int,
    collate_fn: Callable[[list[TokenizedRow]], Batch],
) -> list[Step]:
    """Return the optimizer steps of one epoch, in training order.

    Rows are shuffled and cut into groups of `_SORTED_STEPS` steps. Each group is sorted by length and cut into steps,
    so the rows of a step have similar length. Then the steps are shuffled. All randomness comes from seed, epoch and
    row ids, so the order of `rows` does not matter. A step has `accumulation` batches of `batch_size` rows. Which rows
    are in a step depends only on the product of these two numbers.

    :param epoch: number of the epoch.
    :param collate_fn: makes a batch of some rows: `pack`, or `collate` with a pad id.
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
    return [[collate_fn(group[at : at + batch_size]) for at in range(0, len(group), batch_size)] for group in groups]


def validation_batches(rows: list[TokenizedRow], batch_size: int, pad_id: int) -> list[Batch]:
    """Return all rows as padded batches, in order of length, shortest first."""
    by_length = sorted(rows, key=lambda row: (len(row.input_ids), row.row_id))
    return [collate(by_length[at : at + batch_size], pad_id) for at in range(0, len(by_length), batch_size)]


def collate(rows: list[TokenizedRow], pad_id: int) -> Batch:
    """Return the rows as one padded batch.

    :param pad_id: the token id for padding.
    """
    length = max(len(row.input_ids) for row in rows)
    input_ids = torch.full((len(rows), length), pad_id)
    for index, row in enumerate(rows):
        input_ids[index, : len(row.input_ids)] = torch.tensor(row.input_ids)
    return _batch(rows, input_ids, [index * length for index in range(len(rows))])


def pack(rows: list[TokenizedRow]) -> Batch:
    """Return the rows as one batch without padding: a single sequence of one row after another."""
    lengths = [len(row.input_ids) for row in rows]
    input_ids = torch.tensor([[token for row in rows for token in row.input_ids]])
    position_ids = torch.cat([torch.arange(length) for length in lengths])[None]
    return _batch(rows, input_ids, [sum(lengths[:index]) for index in range(len(rows))], position_ids)


def _batch(
    rows: list[TokenizedRow], input_ids: torch.Tensor, starts: list[int], position_ids: torch.Tensor | None = None
) -> Batch:
    """Return a batch of rows.

    :param starts: the index of each row's first token in the flattened ids.
    """
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
    """Yield the position and the next token for each position whose next token has a label."""
    for at, label in enumerate(row.labels[1:]):
        if label != IGNORED_LABEL:
            yield at, label


def padded_share(batches: list[Batch]) -> float:
    """Return the share of padding among all positions of `batches`."""
    positions = sum(batch.input_ids.numel() for batch in batches)
    return 1 - sum(batch.tokens for batch in batches) / positions
