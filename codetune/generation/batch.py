"""Answers to many prompts: a row that ends makes room for the next prompt at once.

An answer does not depend on the batch size, or on which other prompts are answered beside it (see `slots`).
Streaming a single answer is the business of `stream`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from typing import Any, Literal

import psutil
import torch
from transformers.cache_utils import DynamicCache

from codetune.core.errors import UserError
from codetune.generation.lean import decoder
from codetune.generation.sampling import Choose
from codetune.generation.slots import COLUMNS, ROWS, MaskForm, SlotCache, round_up
from codetune.models.load import LoadedModel
from codetune.models.prompt import prompt_ids

Until = Callable[[int, list[int]], bool]
"""Tells of the index of a prompt and of the ids of its answer so far whether the answer may end here."""

_PREFILL_COLUMNS, _PREFILL_TOKENS = 8, 4096
_OTHER_REACHES = ("window_size", "attention_window_size", "attention_chunk_size")  # of other kinds than sliding_window
_WIDEST = 128  # rows: products of more are hardly faster
_SHARE, _MOST_BYTES = 0.4, 2.5e9  # of the free memory for keys and values, and at the most


@dataclass(frozen=True)
class Answer:
    """The new ids of an answer, without the end token, and why it ended: an end token, `until`, or the limit."""

    ids: list[int]
    ended: Literal["end", "until", "limit"]

    @property
    def stopped(self) -> bool:
        """Whether it ended before the limit of tokens."""
        return self.ended != "limit"


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
    batch_size: int | None = None,
    choosers: Sequence[Choose] | None = None,
    until: Until | None = None,
) -> Iterator[tuple[int, Answer]]:
    """Yield the index of a prompt and its answer, whenever one is finished.

    :param prompts: ids, at least one per prompt; prompt and answer must fit into the model's context.
    :param batch_size: answers that are decoded at a time; None takes as many as memory allows, within reason.
    :param choosers: how the tokens of each answer are chosen, one for each prompt; None takes the likeliest.
    :param until: ends answers before their end token; asked after each token.
    :raises UserError: when the model's attention reaches back less far than a prompt with its answer, in a way that is
        not known here, or memory does not hold the answers that are decoded at a time.
    """
    chosen: Sequence[Choose | None] = choosers or [None] * len(prompts)
    rows_to_come = [_Row(index, ids, choose) for index, (ids, choose) in enumerate(zip(prompts, chosen, strict=True))]
    waiting = deque(sorted(rows_to_come, key=lambda row: -len(row.prompt)))
    if not waiting:
        return
    capacity = round_up(len(waiting[0].prompt) + max_new_tokens, COLUMNS)
    form = _mask_form(loaded, capacity)
    with torch.inference_mode():
        model = decoder(loaded.model) if form == MaskForm() else loaded.model
        start = _Start(model, loaded.tokenizer)
    size = min(_rows_at_a_time(loaded, capacity, batch_size), len(waiting))
    cache = SlotCache(_config(loaded.model).num_hidden_layers, round_up(size, ROWS), capacity, form)
    rows: list[_Row] = []
    while waiting or rows:
        # Not around the yield: torch's inference mode must not stay on while this generator is suspended.
        with torch.inference_mode():
            # A few prompts together are read faster than one at a time, and a few empty rows cost less.
            if waiting and size - len(rows) >= max(1, size // 16):
                _admit(model, cache, rows, waiting, size, start)
            _advance(model, cache, rows)
            finished = _release(cache, rows, loaded.end_ids, max_new_tokens, until)
        yield from finished


class _Start:
    """The common beginning of all prompts in the model's template, computed once.

    It follows from the template alone, never from the prompts at hand, so that an answer does not depend on company.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        some = zip(*(prompt_ids(tokenizer, text) for text in ("Write", "2 + 2", "(x)")), strict=False)
        common = [ids[0] for ids in takewhile(lambda ids: len(set(ids)) == 1, some)]
        self.ids = common[: len(common) // _PREFILL_COLUMNS * _PREFILL_COLUMNS]
        self._cache = DynamicCache()
        if self.ids:
            self._run(model, torch.tensor([self.ids]), self._cache)

    def length(self, prompt: list[int]) -> int:
        """How many tokens of a prompt are not computed again; at least its last one is."""
        return len(self.ids) if len(self.ids) < len(prompt) and prompt[: len(self.ids)] == self.ids else 0

    def read(self, model: Any, input_ids: torch.Tensor, *, begun: bool) -> DynamicCache:
        """A cache that holds rows of shape `(rows, tokens)`, after the common beginning where they are `begun`."""
        cache = DynamicCache()
        if begun:
            for index, layer in enumerate(self._cache.layers):
                keys, values = (kept.expand(len(input_ids), -1, -1, -1) for kept in (layer.keys, layer.values))
                cache.update(keys, values, index)
        if input_ids.shape[1]:
            self._run(model, input_ids, cache)
        return cache

    def _run(self, model: Any, input_ids: torch.Tensor, cache: DynamicCache) -> None:
        model.base_model(input_ids=input_ids.to(model.device), past_key_values=cache)


def _rows_at_a_time(loaded: LoadedModel, capacity: int, wanted: int | None) -> int:
    """How many answers are decoded at a time: as many as wanted, or as memory allows.

    :raises UserError: when memory does not hold them.
    """
    config = _config(loaded.model)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    row = 2 * config.num_hidden_layers * heads * size * capacity * loaded.model.dtype.itemsize
    free = _free_memory(loaded.model.device)
    fitting = int(min(free * _SHARE, _MOST_BYTES) / row) // ROWS * ROWS
    rows = wanted or max(ROWS, min(_WIDEST, fitting))
    if round_up(rows, ROWS) * row > free:
        raise UserError(
            f"{loaded.name}: {round_up(rows, ROWS)} answers at a time, of {capacity} tokens with their prompts, take "
            f"{round_up(rows, ROWS) * row / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free",
            "Lower generate.max_new_tokens" + (" or generate.batch_size." if rows > ROWS else ", or free some memory."),
        )
    return rows


def _free_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def _config(model: Any) -> Any:
    return model.config.get_text_config(decoder=True)


def _mask_form(loaded: LoadedModel, needed: int) -> MaskForm:
    """The form of attention mask that a model takes for `needed` tokens.

    :raises UserError: when it attends to fewer of them, in a way that is not known here.
    """
    config = _config(loaded.model)
    for name in _OTHER_REACHES:
        reach = getattr(config, name, None)
        if reach and reach < needed:
            raise UserError(
                f"{loaded.name}: attention reaches back {reach} tokens ({name}), prompt and answer need up to {needed}",
                "Lower generate.max_new_tokens, or use a base of another family.",
            )
    if getattr(config, "alibi", config.model_type == "bloom"):
        return MaskForm(padding=True)
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    types = getattr(config, "layer_types", None)
    if not window or window >= needed or (types and "sliding_attention" not in types):
        return MaskForm()
    return MaskForm(window, by_layer_type=bool(types))


def _admit(model: Any, cache: SlotCache, rows: list[_Row], waiting: deque[_Row], size: int, start: _Start) -> None:
    """Fill the free slots with waiting prompts, those of about equal length in one pass.

    All but the last id of a prompt go into the cache here; the last one is the row's first step. A prompt that another
    row has is not computed again: what the cache holds of it is copied.
    """
    first = len(rows)
    while waiting and len(rows) < size:
        rows.append(waiting.popleft())
    known = {tuple(row.prompt): slot for slot, row in reversed(list(enumerate(rows)))}
    origins = {slot: known[tuple(rows[slot].prompt)] for slot in range(first, len(rows))}

    def shape(slot: int) -> tuple[int, int]:
        begun = start.length(rows[slot].prompt)
        return begun, round_up(len(rows[slot].prompt) - 1 - begun, _PREFILL_COLUMNS)

    unread = [slot for slot, origin in origins.items() if slot == origin]
    for (begun, length), group in groupby(sorted(unread, key=shape), key=shape):
        slots = list(group)
        if begun + length == 0:
            continue
        together = max(1, _PREFILL_TOKENS // (begun + length))
        for some in (slots[at : at + together] for at in range(0, len(slots), together)):
            input_ids = torch.zeros((len(some), length), dtype=torch.long)
            for index, slot in enumerate(some):
                context = rows[slot].prompt[begun:-1]
                input_ids[index, : len(context)] = torch.tensor(context)
            cache.fill(some, start.read(model, input_ids, begun=begun > 0))
    for slot, origin in origins.items():
        if slot != origin and len(rows[slot].prompt) > 1:
            cache.move(origin, slot, len(rows[slot].prompt) - 1)


def _advance(model: Any, cache: SlotCache, rows: list[_Row]) -> None:
    """Add one id to each row; unused rows make up the batch to a multiple."""
    unused = round_up(len(rows), ROWS) - len(rows)
    positions = torch.tensor([row.position for row in rows] + [0] * unused, device=model.device)
    last = torch.tensor([row.last for row in rows] + [0] * unused, device=model.device)
    logits = model(
        input_ids=last[:, None],
        attention_mask=cache.aim(positions),
        position_ids=positions[:, None],
        past_key_values=cache,
    ).logits[:, -1]
    for row, likeliest, scores in zip(rows, logits.argmax(-1).tolist(), logits, strict=False):
        row.ids.append(row.choose(scores.cpu()) if row.choose else likeliest)


def _release(
    cache: SlotCache, rows: list[_Row], end_ids: frozenset[int], max_new_tokens: int, until: Until | None
) -> list[tuple[int, Answer]]:
    """Take out the rows that are finished; the last row moves into a free slot, so that those in use stay together."""
    finished = []
    for slot in range(len(rows) - 1, -1, -1):
        row = rows[slot]
        if row.ids[-1] in end_ids:
            answer = Answer(row.ids[:-1], "end")
        elif until is not None and until(row.index, row.ids):
            answer = Answer(row.ids, "until")
        elif len(row.ids) == max_new_tokens:
            answer = Answer(row.ids, "limit")
        else:
            continue
        finished.append((row.index, answer))
        last = rows.pop()
        if last is not row:
            cache.move(len(rows), slot, last.position)
            rows[slot] = last
    return finished
