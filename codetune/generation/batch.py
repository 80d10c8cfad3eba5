"""Answers to many prompts: a row that ends makes room for the next prompt at once.

An answer does not depend on the batch size, or on which other prompts are answered beside it (see `slots`).
Streaming a single answer is the business of `stream`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from codetune.errors import UserError
from codetune.generation.sampling import Choose
from codetune.generation.slots import COLUMNS, ROWS, SlotCache, round_up
from codetune.modeling.load import LoadedModel

_PREFILL_COLUMNS = 8


@dataclass(frozen=True)
class Answer:
    """The new ids of an answer, without the end token, and whether it ended by itself."""

    ids: list[int]
    stopped: bool


@dataclass
class _Row:
    """A prompt that is being answered."""

    index: int
    prompt: list[int]
    choose: Choose | None = None
    ids: list[int] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The id whose successor comes next."""
        return self.ids[-1] if self.ids else self.prompt[-1]

    @property
    def position(self) -> int:
        """The position of `last`: the number of tokens that the cache holds before it."""
        return len(self.prompt) + len(self.ids) - 1


def answer_all(
    loaded: LoadedModel,
    prompts: list[list[int]],
    *,
    max_new_tokens: int,
    batch_size: int,
    choosers: Sequence[Choose] | None = None,
) -> Iterator[tuple[int, Answer]]:
    """Yield the index of a prompt and its answer, whenever one is finished.

    :param prompts: ids, at least one per prompt; prompt and answer must fit into the model's context.
    :param batch_size: answers that are decoded at a time.
    :param choosers: how the tokens of each answer are chosen, one for each prompt; None takes the likeliest.
    :raises UserError: when the model's attention window is shorter than a prompt with its answer.
    """
    chosen: Sequence[Choose | None] = choosers or [None] * len(prompts)
    rows_to_come = [_Row(index, ids, choose) for index, (ids, choose) in enumerate(zip(prompts, chosen, strict=True))]
    waiting = deque(sorted(rows_to_come, key=lambda row: -len(row.prompt)))
    if not waiting:
        return
    capacity = round_up(len(waiting[0].prompt) + max_new_tokens, COLUMNS)
    _check_window(loaded, capacity)
    size = min(batch_size, len(waiting))
    cache = SlotCache(_config(loaded.model).num_hidden_layers, round_up(size, ROWS), capacity)
    rows: list[_Row] = []
    while waiting or rows:
        # Not around the yield: torch's inference mode must not stay on while this generator is suspended.
        with torch.inference_mode():
            _admit(loaded.model, cache, rows, waiting, size)
            _advance(loaded.model, cache, rows)
            finished = _release(cache, rows, loaded.end_ids, max_new_tokens)
        yield from finished


def _config(model: Any) -> Any:
    return model.config.get_text_config(decoder=True)


def _check_window(loaded: LoadedModel, needed: int) -> None:
    window = getattr(_config(loaded.model), "sliding_window", None)
    if window is not None and window < needed:
        raise UserError(
            f"{loaded.name}: attention reaches back {window} tokens, prompt and answer need up to {needed}",
            "Lower generate.max_new_tokens.",
        )


def _admit(model: Any, cache: SlotCache, rows: list[_Row], waiting: deque[_Row], size: int) -> None:
    """Fill the free slots with waiting prompts, those of about equal length in one pass.

    All but the last id of a prompt go into the cache here; the last one is the row's first step.
    """
    first = len(rows)
    while waiting and len(rows) < size:
        rows.append(waiting.popleft())

    def padded(slot: int) -> int:
        return round_up(len(rows[slot].prompt) - 1, _PREFILL_COLUMNS)

    for length, group in groupby(range(first, len(rows)), key=padded):
        slots = list(group)
        if length == 0:
            continue
        input_ids = torch.zeros((len(slots), length), dtype=torch.long)
        for index, slot in enumerate(slots):
            context = rows[slot].prompt[:-1]
            input_ids[index, : len(context)] = torch.tensor(context)
        prefilled = DynamicCache()
        model(input_ids=input_ids, past_key_values=prefilled, use_cache=True, logits_to_keep=1)
        cache.fill(slots, prefilled)


def _advance(model: Any, cache: SlotCache, rows: list[_Row]) -> None:
    """Add one id to each row; unused rows make up the batch to a multiple."""
    unused = round_up(len(rows), ROWS) - len(rows)
    positions = torch.tensor([row.position for row in rows] + [0] * unused)
    last = torch.tensor([row.last for row in rows] + [0] * unused)
    logits = model(
        input_ids=last[:, None],
        attention_mask=cache.aim(positions),
        position_ids=positions[:, None],
        past_key_values=cache,
        use_cache=True,
    ).logits[:, -1]
    for row, likeliest, scores in zip(rows, logits.argmax(-1).tolist(), logits, strict=False):
        row.ids.append(row.choose(scores) if row.choose else likeliest)


def _release(
    cache: SlotCache, rows: list[_Row], end_ids: frozenset[int], max_new_tokens: int
) -> list[tuple[int, Answer]]:
    """Take out the rows that are finished; the last row moves into a free slot, so that those in use stay together."""
    finished = []
    for slot in range(len(rows) - 1, -1, -1):
        row = rows[slot]
        stopped = row.ids[-1] in end_ids
        if not stopped and len(row.ids) < max_new_tokens:
            continue
        finished.append((row.index, Answer(row.ids[:-1] if stopped else row.ids, stopped)))
        last = rows.pop()
        if last is not row:
            cache.move(len(rows), slot, last.position)
            rows[slot] = last
    return finished
