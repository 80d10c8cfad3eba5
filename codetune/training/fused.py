"""Faster forms of decoder layer parts, with a backward pass that stores less and reads memory less often.

They replace modules of known classes, and only when nothing but an adapter is trained. In every other case transformers
and peft compute the module as usual.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from codetune.training.layers import MergedLinear, factor_gradients, merged_weight

_ATTENTION = {f"{family}Attention" for family in ("Llama", "Mistral", "Qwen2")}
_NORMS = {f"{family}RMSNorm" for family in ("Llama", "Mistral", "Phi3", "Qwen2", "Qwen3")}
_GATED = {f"{family}MLP" for family in ("Llama", "Mistral", "Qwen2", "Qwen3")}
_SILU = {"SiLU", "SiLUActivation"}


def fuse(model: torch.nn.Module) -> None:
    """Replace the forward pass of known attention, normalisation and MLP modules, in place."""
    module: Any
    for module in model.modules():
        kind = type(module).__name__
        if kind in _ATTENTION and module.config._attn_implementation == "sdpa":  # noqa: SLF001
            module.forward = partial(_attention, module, module.forward)
        elif kind in _NORMS:
            module.forward = partial(_norm, module, module.forward)
        elif kind in _GATED and type(module.act_fn).__name__ in _SILU:
            module.forward = partial(_gated, module, module.forward)


def _attention(
    module: Any, plain: Callable[..., Any], hidden_states: torch.Tensor, position_embeddings: Any,
    attention_mask: torch.Tensor | None = None, past_key_values: Any = None, **named: Any,
) -> Any:  # fmt: skip
    layers = module.q_proj, module.k_proj, module.v_proj
    other = attention_mask is not None or past_key_values is not None or module.attention_dropout
    if other or not _mergeable(layers, hidden_states) or len({layer.parts()[3] for layer in layers}) > 1:
        named |= {"attention_mask": attention_mask, "past_key_values": past_key_values}
        return plain(hidden_states=hidden_states, position_embeddings=position_embeddings, **named)
    parts = (part for layer in layers for part in layer.parts())
    given = hidden_states, *position_embeddings, module.head_dim, *parts
    query, key, value = _Heads.apply(*given)  # type: ignore[no-untyped-call]
    attended = functional.scaled_dot_product_attention(
        query, key, value, is_causal=True, scale=module.scaling, enable_gqa=True
    )
    return module.o_proj(attended.transpose(1, 2).flatten(2)), None


def _mergeable(layers: tuple[Any, ...], x: torch.Tensor) -> bool:
    """Return whether gradients are on, and all layers are mergeable LoRA layers without bias."""
    kinds = torch.is_grad_enabled() and all(type(layer) is MergedLinear and layer.mergeable(x) for layer in layers)
    return kinds and all(layer.base_layer.bias is None for layer in layers)


def _norm(module: Any, plain: Callable[..., Any], x: torch.Tensor) -> Any:
    if module.weight.requires_grad or not x.requires_grad or x.dtype is not torch.float32:
        return plain(x)
    return _Norm.apply(x, module.weight, module.variance_epsilon)  # type: ignore[no-untyped-call]


def _gated(module: Any, plain: Callable[..., Any], x: torch.Tensor) -> Any:
    layers = module.gate_proj, module.up_proj, module.down_proj
    if not _mergeable(layers, x):
        return plain(x)
    return _Gated.apply(x, *(part for layer in layers for part in layer.parts()))  # type: ignore[no-untyped-call]


def _joined(parts: tuple[Any, ...]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """Return layers that share their input as one layer: W, A, B and s, with the rows of all layers.

    :param parts: W, A, B and s of each layer; s must be the same for all.
    """
    up = torch.block_diag(*parts[2::4])  # type: ignore[no-untyped-call]
    return torch.cat(parts[::4]), torch.cat(parts[1::4]), up, parts[3]


def _rotate(heads: torch.Tensor, turned: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor, sign: int) -> None:
    """Write rotated heads into `turned` (RoPE).

    :param heads: heads of shape `(rows, length, heads, size)`.
    :param cosines: cosines of the angles, which can be broadcast to the shape of `heads`; `sines` as well.
    :param sign: 1 to rotate forward, -1 to rotate back.
    """
    torch.mul(heads, cosines, out=turned)
    half = heads.shape[-1] // 2
    turned[..., :half].addcmul_(heads[..., half:], sines[..., half:], value=-sign)
    turned[..., half:].addcmul_(heads[..., :half], sines[..., :half], value=sign)


class _Heads(torch.autograd.Function):
    """Rotated queries and keys, and values, from one matrix product with merged adapters. Only x is stored."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor, size: int, *parts: Any
    ) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(x, cosines, sines, *(part for part in parts if isinstance(part, torch.Tensor)))
        ctx.scaling, ctx.size = parts[3], size
        found = functional.linear(x, merged_weight(*_joined(parts))).view(*x.shape[:2], -1, size)
        query, key, value = torch.split(found, [len(weight) // size for weight in parts[::4]], 2)
        turned = torch.empty_like(query), torch.empty_like(key)
        for heads, place in zip((query, key), turned, strict=True):
            _rotate(heads, place, cosines.unsqueeze(2), sines.unsqueeze(2), 1)
        return *(heads.transpose(1, 2) for heads in turned), value.contiguous().transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, cosines, sines, *weights = ctx.saved_tensors
        parts = tuple(part for at in (0, 3, 6) for part in (*weights[at : at + 3], ctx.scaling))
        weight, down, up, scaling = _joined(parts)
        of_all = x.new_empty(*x.shape[:2], len(weight) // ctx.size, ctx.size)
        query, key, value = (gradient.transpose(1, 2) for gradient in gradients)
        places = torch.split(of_all, [heads.shape[2] for heads in (query, key, value)], 2)
        for heads, place in zip((query, key), places[:2], strict=True):
            _rotate(heads, place, cosines.unsqueeze(2), sines.unsqueeze(2), -1)
        places[2].copy_(value)
        above = of_all.flatten(2)
        of_x = above @ merged_weight(weight, down, up, scaling) if ctx.needs_input_grad[0] else None
        [(of_down, of_up)] = factor_gradients(x, (above, down, up, scaling))
        sizes, ranks = ([part.shape[at] for part in parts[2::4]] for at in (0, 1))
        of_ups = [torch.split(block, ranks, 1)[at] for at, block in enumerate(torch.split(of_up, sizes))]
        pairs = zip(torch.split(of_down, ranks), of_ups, strict=True)
        return of_x, None, None, None, *(part for pair in pairs for part in (None, *pair, None))


class _Norm(torch.autograd.Function):
    """RMS normalisation with a frozen weight. Only x and one number per token are stored."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
        inverse = x.square().mean(-1, keepdim=True).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, weight, inverse)
        return (x * inverse).mul_(weight)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, inverse = ctx.saved_tensors
        scaled = gradient * weight
        common = (scaled * x).mean(-1, keepdim=True).mul_(inverse**3)
        return scaled.mul_(inverse).addcmul_(x, common, value=-1), None, None


class _Gated(torch.autograd.Function):
    """down(silu(gate(x)) · up(x)) with merged adapters. Only x and the outputs of gate and up are stored."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, *parts: Any) -> torch.Tensor:
        gate, up, down = parts[:4], parts[4:8], parts[8:]
        gates, ups = (functional.linear(x, merged_weight(*part)) for part in (gate, up))
        ctx.save_for_backward(x, gates, ups, *gate[:3], *up[:3], *down[:3])
        ctx.scalings = gate[3], up[3], down[3]
        return functional.linear(functional.silu(gates).mul_(ups), merged_weight(*down))

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, gates, ups, *weights = ctx.saved_tensors
        gate, up, down = ((*weights[at : at + 3], ctx.scalings[at // 3]) for at in (0, 3, 6))
        opened = functional.silu(gates)
        of_down = factor_gradients(opened * ups, (gradient, *down[1:]))
        of_product = gradient @ merged_weight(*down)
        of_ups = opened.mul_(of_product)
        of_gates = torch.ops.aten.silu_backward(of_product.mul_(ups), gates)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (of_gates @ merged_weight(*gate)).add_(of_ups @ merged_weight(*up))
        factors = [*factor_gradients(x, (of_gates, *gate[1:]), (of_ups, *up[1:])), *of_down]
        return of_x, *(part for pair in factors for part in (None, *pair, None))
