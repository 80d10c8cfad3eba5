"""A key-value cache whose rows are independent: each has its own length, and can be freed and filled again.

transformers' caches advance all rows together, so a batch must be padded on the left, which shifts sums of floating
point numbers, and a finished row keeps its place until the last one ends. Here a row's tokens lie at their own
positions whatever its neighbours do; what lies beyond a row's length is masked and adds exact zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin, DynamicCache

# Where attention and matrix products come in these multiples of columns and rows, a row has the same bits in any
# company on the AMD processor this was measured on, so with numerics `portable` on others too; with the other modes
# rounding may differ there.
COLUMNS, ROWS = 32, 8


def round_up(number: int, multiple: int) -> int:
    """The smallest multiple that is not below `number`."""
    return -(-number // multiple) * multiple


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]
    """Keys and values of one layer, each of shape `(slots, capacity, heads, head size)`: a token lies in one piece."""

    is_sliding = False

    def __init__(self, slots: int, capacity: int) -> None:
        super().__init__()
        self.slots, self.capacity = slots, capacity
        self.places = torch.arange(0)
        self.columns = 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Make room for all slots, in the shape and type of the first states."""
        self.keys, self.values = (
            states.new_zeros((self.slots, self.capacity, states.shape[1], states.shape[3]))
            for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store one token per row, of shape `(rows, heads, 1, head size)`, at its own position; all that is stored."""
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
        """Length and offset of the mask."""
        return self.columns, 0

    def get_seq_length(self) -> int:
        """Columns in use before this step."""
        return self.columns - 1

    def get_max_length(self) -> int:
        """Columns there is room for."""
        return self.capacity


@dataclass(frozen=True)
class MaskForm:
    """What a model takes as its attention mask.

    :param window: how many tokens attention reaches back, the last one included; None: all.
    :param by_layer_type: whether it reaches back so far in the layers of one type alone, which have their own mask.
    :param padding: whether the model wants to know of each token whether it is one, and makes the mask by itself.
    """

    window: int | None = None
    by_layer_type: bool = False
    padding: bool = False


class SlotCache(Cache):  # type: ignore[misc]
    """A cache of `slots` rows with room for `capacity` tokens each."""

    def __init__(self, layers: int, slots: int, capacity: int, form: MaskForm | None = None) -> None:
        super().__init__(layers=[SlotLayer(slots, capacity) for _ in range(layers)])
        self.capacity = capacity
        self.form = form or MaskForm()

    def aim(self, positions: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """Set where the next token of each of the first rows goes; the attention mask, `(rows, 1, 1, columns)`.

        The mask is what is added to the attention scores, which every implementation of attention understands. Where
        the form of the mask says so, there is one for each type of layer, or it has the shape `(rows, columns)`.

        :param positions: the number of tokens that each row holds already, of shape `(rows,)`.
        """
        columns = min(self.capacity, round_up(int(positions.max()) + 1, COLUMNS))
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
        """Put the rows of an ordinary cache, of equal length, into `slots`."""
        for layer, source in zip(self.layers, prefilled.layers, strict=True):
            if not layer.is_initialized:
                layer.lazy_initialization(source.keys, source.values)
            length = source.keys.shape[2]
            layer.keys[slots, :length] = source.keys.transpose(1, 2)
            layer.values[slots, :length] = source.values.transpose(1, 2)

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` tokens of one slot over another."""
        for layer in self.layers:
            layer.keys[target, :length] = layer.keys[source, :length]
            layer.values[target, :length] = layer.values[source, :length]


def _added(hidden: torch.Tensor) -> torch.Tensor:
    """What is added to the attention scores, of shape `(rows, 1, 1, columns)`, where some columns are hidden."""
    mask = torch.zeros(hidden.shape, device=hidden.device)
    return mask.masked_fill_(hidden, torch.finfo(torch.float32).min)[:, None, None, :]
