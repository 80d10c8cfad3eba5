"""A faster forward pass of Llama-like models for batches, without the parts that only training and rare cases need.

Weights are packed once for products with few rows. Weights that multiply the same states are joined into one product.
Keys and values are not copied for the query heads that share them (grouped-query attention). The results are those of
the model's own code, up to rounding. As with that code, the result of a row has the same bits whatever the other rows
of the batch are.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psutil
import torch
from torch.nn import functional

from codetune.generation.slots import SlotCache
from codetune.numerics import products

_FAMILIES = frozenset({"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM"})
_ROWS = 64  # weights are packed for about this many rows; any number works
_SHARE = 0.3  # packed copies of the weights may take this share of the free memory

_Linear = Callable[[torch.Tensor], torch.Tensor]


def decoder(model: Any) -> Any:
    """Return a faster replacement for `model`, which is called in the same way and gives the same logits.

    :param model: a causal language model.
    :returns: a `LeanDecoder`; the model itself if it is of another family, has changed layers, or is not float32.
    """
    layers = getattr(getattr(model, "model", None), "layers", ())
    known = type(model).__name__ in _FAMILIES and all(
        type(module) is torch.nn.Linear and not module._forward_hooks  # noqa: SLF001
        for layer in layers
        for part in (layer.self_attn, layer.mlp)
        for name, module in part.named_children()
        if name.endswith("_proj")
    )
    return LeanDecoder(model) if known and model.dtype is torch.float32 else model


class LeanDecoder:
    """A faster forward pass for a Llama-like model with float32 weights.

    As in the model itself, `base_model` computes the hidden states, without the logits.
    """

    def __init__(self, model: Any) -> None:
        self.device, self._body = model.device, model.model
        size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
        packed = (
            self.device.type == "cpu" and products.available() and size < _SHARE * psutil.virtual_memory().available
        )
        self._layers = [_Layer(layer, packed=packed) for layer in self._body.layers]
        self._head = _linear([model.lm_head], packed=packed)

    def __call__(self, **arguments: Any) -> SimpleNamespace:
        """Compute the logits after the last token of each row.

        :param arguments: those of `base_model`.
        :returns: an object with the attribute `logits`, of shape `(rows, 1, vocabulary)`.
        """
        return SimpleNamespace(logits=self._head(self.base_model(**arguments)[:, -1:]))

    def base_model(
        self,
        input_ids: torch.Tensor,
        past_key_values: Any,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Compute the hidden states of all tokens, and store their keys and values in the cache.

        :param input_ids: token ids of shape `(rows, tokens)`.
        :param past_key_values: the cache.
        :param attention_mask: values to add to the attention scores, of shape `(rows, 1, 1, columns)`; None for causal
            attention to all earlier tokens.
        :param position_ids: positions of the tokens; None to count on from the length of the cache.
        :returns: hidden states of shape `(rows, tokens, hidden)`.
        """
        length, before = input_ids.shape[1], past_key_values.get_seq_length()
        states = self._body.embed_tokens(input_ids)
        if position_ids is None:
            position_ids = torch.arange(before, before + length, device=self.device)[None]
        if attention_mask is None and before:
            attention_mask = _causal(length, before, states)
        cos, sin = (part.unsqueeze(2) for part in self._body.rotary_emb(states, position_ids))
        for layer in self._layers:
            states = layer(states, (cos, sin), past_key_values, attention_mask)
        result: torch.Tensor = self._body.norm(states)
        return result


class _Layer:
    """One layer of the model."""

    def __init__(self, layer: Any, *, packed: bool) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._module, self._attention, self._mlp = layer, attention, mlp
        self._qkv = _linear([attention.q_proj, attention.k_proj, attention.v_proj], packed=packed)
        self._out = _linear([attention.o_proj], packed=packed)
        self._wide = _linear([mlp.gate_proj, mlp.up_proj], packed=packed)
        self._down = _linear([mlp.down_proj], packed=packed)

    def __call__(
        self, states: torch.Tensor, angles: tuple[torch.Tensor, torch.Tensor], cache: Any, mask: torch.Tensor | None
    ) -> torch.Tensor:
        attended = self._attend(self._module.input_layernorm(states), angles, cache, mask)
        states = states + attended
        gate, up = self._wide(self._module.post_attention_layernorm(states)).chunk(2, dim=-1)
        return states + self._down(self._mlp.act_fn(gate.contiguous()) * up)

    def _attend(
        self, states: torch.Tensor, angles: tuple[torch.Tensor, torch.Tensor], cache: Any, mask: torch.Tensor | None
    ) -> torch.Tensor:
        rows, length, _ = states.shape
        size, group = self._attention.head_dim, self._attention.num_key_value_groups
        heads = self._qkv(states).view(rows, length, -1, size)
        shared = heads.shape[2] // (group + 2)
        turned = _turn(heads[:, :, :-shared], *angles)
        keys, values = cache.update(
            turned[:, :, -shared:].transpose(1, 2), heads[:, :, -shared:].transpose(1, 2), self._attention.layer_idx
        )
        queries, scale = turned[:, :, :-shared].transpose(1, 2), self._attention.scaling
        if mask is None or not isinstance(cache, SlotCache):
            found = _attention(queries, keys, values, mask, scale)
        else:  # in blocks, so that a row is not compared with all columns of a much longer one
            found = torch.cat(
                [
                    _attention(queries[some], keys[some, :, :end], values[some, :, :end], mask[some, ..., :end], scale)
                    for some, end in cache.blocks
                ]
            )
        return self._out(found.transpose(1, 2).reshape(rows, length, -1))


def _attention(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scale: float
) -> torch.Tensor:
    """Compute attention. Without a mask it is causal, and there are as many keys as queries."""
    return functional.scaled_dot_product_attention(
        queries, keys, values, mask, is_causal=mask is None, scale=scale, enable_gqa=True
    )


def _turn(heads: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Apply rotary position embeddings in the way of the Llama family."""
    left, right = heads.chunk(2, dim=-1)
    return heads * cos + torch.cat((-right, left), dim=-1) * sin


def _causal(length: int, before: int, like: torch.Tensor) -> torch.Tensor:
    """Return the causal mask of `length` tokens after `before` others: the values to add to the attention scores."""
    return like.new_full((length, before + length), torch.finfo(like.dtype).min).triu_(before + 1)


def _linear(modules: list[Any], *, packed: bool) -> _Linear:
    """Return a function that computes several linear layers of the same input, and concatenates their outputs.

    With packed weights they are one matrix product.
    """
    if not packed:
        return lambda states: torch.cat([module(states) for module in modules], dim=-1)
    weight = torch.cat([module.weight.detach() for module in modules])
    bias = None if modules[0].bias is None else torch.cat([module.bias.detach() for module in modules])
    laid_out = products.pack(weight, _ROWS)

    def run(states: torch.Tensor) -> torch.Tensor:
        product = products.packed_linear(states.reshape(-1, states.shape[-1]), laid_out, bias)
        return product.view(*states.shape[:-1], -1)

    return run
