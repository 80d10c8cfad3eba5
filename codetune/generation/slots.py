"""A key-value cache with independent rows: each row has its own length, and can be freed and filled again.

The caches of transformers advance all rows together. So a batch must be padded on the left, which changes the rounding
of sums, and a finished row stays in the batch until the last one ends. Here the tokens of a row are stored at their own
positions, whatever the other rows contain. Columns beyond the length of a row are masked, and add exact zeros.

A slot is the place of one row in the cache. A column is the place of one token in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin, DynamicCache

# If attention and matrix products have multiples of these numbers of columns and rows, the result of a row has the same
# bits whatever the other rows are. This was measured on an AMD processor. With `numerics.mode: portable` it holds on
# other processors too; with the other modes, rounding may differ there.
COLUMNS, ROWS = 32, 8
_BLOCK = 16  # rows; more blocks save more columns, and start more operators


def round_up(number: int, multiple: int) -> int:
    """Return the smallest multiple of `multiple` that is not below `number`."""
    return -(-number // multiple) * multiple


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]
    """The keys and values of one layer, each of shape `(slots, capacity, heads, head size)`.

    So the values of one token are contiguous in memory.

    :param slots: number of rows.
    :param capacity: largest number of tokens per row.
    """

    is_sliding = False

    def __init__(self, slots: int, capacity: int) -> None:
        super().__init__()
        self.slots, self.capacity = slots, capacity
        self.places = torch.arange(0)
        self.columns = 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocate memory for all slots, with the number of heads, head size and type of the first states."""
        self.keys, self.values = (
            states.new_zeros((self.slots, self.capacity, states.shape[1], states.shape[3]))
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store one token per row at the position that `SlotCache.set_positions` has set.

        :param key_states: keys of shape `(rows, heads, 1, head size)`; `value_states` likewise.
        :returns: all keys and all values of these rows, each of shape `(rows, heads, columns, head size)`.
        """
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        for kept, states in ((self.keys, key_states), (self.values, value_states)):
            kept.flatten(0, 1).index_copy_(0, self.places, states[:, :, 0])
        rows = len(self.places)
        return (
            self.keys[:rows, : self.columns].transpose(1, 2),
            self.values[:rows, : self.columns].transpose(1, 2),
        )

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:  # noqa: ARG002
        """Return the length and the offset of the mask."""
        return self.columns, 0

    def get_seq_length(self) -> int:
        """Return the number of columns in use before this step."""
        return self.columns - 1

    def get_max_length(self) -> int:
        """Return the largest number of columns."""
        return self.capacity


@dataclass(frozen=True)
class MaskForm:
    """The form of attention mask that a model takes.

    :param window: number of tokens that attention covers, the current one included; None: all.
    :param by_layer_type: whether only one type of layers has this window, so that each type takes its own mask.
    :param padding: whether the model takes a padding mask (1 for a token, 0 for padding) and makes the rest itself.
    """

    window: int | None = None
    by_layer_type: bool = False
    padding: bool = False


class SlotCache(Cache):  # type: ignore[misc]
    """A key-value cache for all layers of a model.

    :param layers: number of layers.
    :param slots: number of rows.
    :param capacity: largest number of tokens per row.
    :param form: the form of attention mask that the model takes; None for a mask without a window.
    """

    def __init__(self, layers: int, slots: int, capacity: int, form: MaskForm | None = None) -> None:
        super().__init__(layers=[SlotLayer(slots, capacity) for _ in range(layers)])
        self.capacity = capacity
        self.form = form or MaskForm()
        self.blocks: list[tuple[slice, int]] = []
        """Blocks of rows, each with the number of columns that the longest of its rows needs in this step."""

    def set_positions(self, positions: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """Set where the next token of each row is stored, and return the attention mask for this step.

        :param positions: number of tokens that each row has already, of shape `(rows,)`, for the first rows.
        :returns: the values to add to the attention scores, of shape `(rows, 1, 1, columns)`, which every
            implementation of attention accepts; by the form of the mask, one such mask per type of layer, or a padding
            mask of shape `(rows, columns)`.
        """
        needed = [min(self.capacity, round_up(position + 1, COLUMNS)) for position in positions.tolist()]
        starts = range(0, len(needed), _BLOCK)
        self.blocks = [(slice(start, start + _BLOCK), max(needed[start : start + _BLOCK])) for start in starts]
        columns = max(needed)
        places = torch.arange(len(positions), device=positions.device) * self.capacity + positions
        for layer in self.layers:
            layer.places, layer.columns = places, columns
        all_columns = torch.arange(columns, device=positions.device)
        hidden = all_columns > positions[:, None]
        if self.form.padding:
            return (~hidden).long()
        if self.form.window is None:
            return _added(hidden)
        near = _added(hidden | (all_columns <= positions[:, None] - self.form.window))
        return {"full_attention": _added(hidden), "sliding_attention": near} if self.form.by_layer_type else near

    def fill(self, slots: list[int], prefilled: DynamicCache) -> None:
        """Copy the rows of an ordinary cache, which have equal length, into the given slots."""
        for layer, source in zip(self.layers, prefilled.layers, strict=True):
            if not layer.is_initialized:
                layer.lazy_initialization(source.keys, source.values)
            length = source.keys.shape[2]
            layer.keys[slots, :length] = source.keys.transpose(1, 2)
            layer.values[slots, :length] = source.values.transpose(1, 2)

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` tokens of the slot `source` to the slot `target`."""
        for layer in self.layers:
            layer.keys[target, :length] = layer.keys[source, :length]
            layer.values[target, :length] = layer.values[source, :length]


def _added(hidden: torch.Tensor) -> torch.Tensor:
    """Return the values to add to the attention scores so that the hidden columns do not count.

    :param hidden: True for a hidden column, of shape `(rows, columns)`.
    :returns: 0 or the smallest float32, of shape `(rows, 1, 1, columns)`.
    """
    mask = torch.zeros(hidden.shape, device=hidden.device)
    return mask.masked_fill_(hidden, torch.finfo(torch.float32).min)[:, None, None, :]
