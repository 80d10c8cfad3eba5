"""Generate answers to many prompts in a batch. When an answer ends, its row is given to the next prompt at once.

An answer depends neither on the batch size nor on the other prompts in the batch (see `slots`). To stream a single
answer, use `stream`.
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
from codetune.generation.sampling import TokenChooser
from codetune.generation.slots import COLUMNS, ROWS, MaskForm, SlotCache, round_up
from codetune.models.load import LoadedModel
from codetune.models.prompt import prompt_ids

Until = Callable[[int, list[int]], bool]
"""Takes the index of a prompt and the token ids of its answer so far; returns whether the answer may end here."""

_PREFILL_COLUMNS, _PREFILL_TOKENS = 8, 4096
# Configuration keys for kinds of limited attention that this module does not support, unlike `sliding_window`.
_UNSUPPORTED_WINDOWS = ("window_size", "attention_window_size", "attention_chunk_size")
_MAX_BATCH_ROWS = 128  # rows; matrix products with more rows are hardly faster
_SHARE, _MOST_BYTES = 0.4, 2.5e9  # keys and values take at most this share of the free memory, and this many bytes


@dataclass(frozen=True)
class Answer:
    """An answer.

    :param ids: generated token ids, without the end token.
    :param ended: why it ended: at an end token, because `until` said so, or at the limit of tokens.
    """

    ids: list[int]
    ended: Literal["end", "until", "limit"]

    @property
    def stopped(self) -> bool:
        """Whether the answer ended before the limit of tokens."""
        return self.ended != "limit"


@dataclass
class _Row:
    """A row of the batch: a prompt and its answer so far."""

    index: int
    prompt: list[int]
    choose: TokenChooser | None = None
    ids: list[int] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The last token id so far: the input of the next step."""
        return self.ids[-1] if self.ids else self.prompt[-1]

    @property
    def position(self) -> int:
        """The position of `last`, which is the number of tokens in the cache before it."""
        return len(self.prompt) + len(self.ids) - 1


def answer_all(
    loaded: LoadedModel,
    prompts: list[list[int]],
    *,
    max_new_tokens: int,
    batch_size: int | None = None,
    choosers: Sequence[TokenChooser] | None = None,
    until: Until | None = None,
) -> Iterator[tuple[int, Answer]]:
    """Generate an answer to each prompt, and yield the index of the prompt and the answer as soon as it is finished.

    :param loaded: the model and its tokenizer.
    :param prompts: token ids, at least one per prompt; prompt and answer must fit into the model's context.
    :param max_new_tokens: largest number of tokens of an answer, with the end token.
    :param batch_size: number of answers decoded together; None: as many as fit into memory, up to 128.
    :param choosers: a function per prompt that chooses the next token; None: greedy decoding.
    :param until: called after each token; ends an answer before its end token.
    :raises UserError: when the model limits its attention to fewer tokens than prompt and answer have, in a way that is
        not supported, or when the answers of a batch do not fit into memory.
    """
    chosen: Sequence[TokenChooser | None] = choosers or [None] * len(prompts)
    rows_to_come = [_Row(index, ids, choose) for index, (ids, choose) in enumerate(zip(prompts, chosen, strict=True))]
    waiting = deque(sorted(rows_to_come, key=lambda row: -len(row.prompt)))
    if not waiting:
        return
    capacity = round_up(len(waiting[0].prompt) + max_new_tokens, COLUMNS)
    form = _mask_form(loaded, capacity)
    with torch.inference_mode():
        model = decoder(loaded.model) if form == MaskForm() else loaded.model
        start = _Prefix(model, loaded.tokenizer)
    size = min(_rows_at_a_time(loaded, capacity, batch_size), len(waiting))
    cache = SlotCache(_config(loaded.model).num_hidden_layers, round_up(size, ROWS), capacity, form)
    rows: list[_Row] = []
    while waiting or rows:
        # The yield is outside: inference mode must not stay active while this generator is suspended.
        with torch.inference_mode():
            # Prompts are processed faster together. Waiting until 1/16 of the rows are free costs less than it saves.
            if waiting and size - len(rows) >= max(1, size // 16):
                _admit(model, cache, rows, waiting, size, start)
            _advance(model, cache, rows)
            finished = _release(cache, rows, loaded.end_ids, max_new_tokens, until)
        yield from finished


class _Prefix:
    """The prefix that all prompts have in common in the model's template; its keys and values are computed once.

    The prefix depends only on the template, not on the prompts of the batch, so that an answer does not depend on them
    either.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        some = zip(*(prompt_ids(tokenizer, text) for text in ("Write", "2 + 2", "(x)")), strict=False)
        common = [ids[0] for ids in takewhile(lambda ids: len(set(ids)) == 1, some)]
        self.ids = common[: len(common) // _PREFILL_COLUMNS * _PREFILL_COLUMNS]
        self._cache = DynamicCache()
        if self.ids:
            self._run(model, torch.tensor([self.ids]), self._cache)

    def length(self, prompt: list[int]) -> int:
        """Return how many tokens of a prompt the prefix covers; 0 if it starts differently or has nothing more."""
        return len(self.ids) if len(self.ids) < len(prompt) and prompt[: len(self.ids)] == self.ids else 0

    def read(self, model: Any, input_ids: torch.Tensor, *, begun: bool) -> DynamicCache:
        """Compute the keys and values of rows.

        :param input_ids: token ids of shape `(rows, tokens)`.
        :param begun: whether they follow the prefix, which is then put into the cache before them.
        :returns: a cache with all tokens of the rows.
        """
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
    """Return the number of answers to decode together.

    :param capacity: number of tokens of one row, prompt and answer.
    :param wanted: the batch size; None for as many as fit into memory.
    :raises UserError: when they do not fit into memory.
    """
    config = _config(loaded.model)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    row = 2 * config.num_hidden_layers * heads * size * capacity * loaded.model.dtype.itemsize
    free = _free_memory(loaded.model.device)
    fitting = int(min(free * _SHARE, _MOST_BYTES) / row) // ROWS * ROWS
    rows = wanted or max(ROWS, min(_MAX_BATCH_ROWS, fitting))
    if round_up(rows, ROWS) * row > free:
        raise UserError(
            f"{loaded.name}: a batch of {round_up(rows, ROWS)} answers with {capacity} tokens each, prompt included, "
            f"needs {round_up(rows, ROWS) * row / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free",
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
    """Return the form of attention mask that a model takes for `needed` tokens.

    :raises UserError: when the model limits its attention to fewer tokens, in a way that is not supported.
    """
    config = _config(loaded.model)
    for name in _UNSUPPORTED_WINDOWS:
        reach = getattr(config, name, None)
        if reach and reach < needed:
            raise UserError(
                f"{loaded.name}: attention covers only the last {reach} tokens ({name}), and prompt with answer can "
                f"have {needed}",
                "Lower generate.max_new_tokens, or use a base model of another family.",
            )
    if getattr(config, "alibi", config.model_type == "bloom"):
        return MaskForm(padding=True)
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    types = getattr(config, "layer_types", None)
    if not window or window >= needed or (types and "sliding_attention" not in types):
        return MaskForm()
    return MaskForm(window, by_layer_type=bool(types))


def _admit(model: Any, cache: SlotCache, rows: list[_Row], waiting: deque[_Row], size: int, start: _Prefix) -> None:
    """Give the free rows to waiting prompts, and compute prompts of about equal length together.

    Here the keys and values of all tokens but the last go into the cache; the last token is the input of the row's
    first step. If another row has the same prompt, its keys and values are copied instead.
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
    """Add one token to each row. The batch is filled with unused rows up to a multiple of `ROWS`."""
    unused = round_up(len(rows), ROWS) - len(rows)
    positions = torch.tensor([row.position for row in rows] + [0] * unused, device=model.device)
    last = torch.tensor([row.last for row in rows] + [0] * unused, device=model.device)
    logits = model(
        input_ids=last[:, None],
        attention_mask=cache.set_positions(positions),
        position_ids=positions[:, None],
        past_key_values=cache,
    ).logits[:, -1]
    for row, likeliest, scores in zip(rows, logits.argmax(-1).tolist(), logits, strict=False):
        row.ids.append(row.choose(scores.cpu()) if row.choose else likeliest)


def _release(
    cache: SlotCache, rows: list[_Row], end_ids: frozenset[int], max_new_tokens: int, until: Until | None
) -> list[tuple[int, Answer]]:
    """Remove the finished rows and return their answers with the index of the prompt.

    The last row moves to the place of a removed row, so that the rows in use stay together.
    """
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
