"""Parts of a decoder layer that keep less for the gradient, and go over memory fewer times, than what they replace.

They take the place of modules of kinds that are known by name, and only where nothing but an adapter is trained; all
else is left as transformers and peft compute it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from codetune.tuning.layers import MergedLinear, factor_gradients, merged_weight

_NORMS = {f"{family}RMSNorm" for family in ("Llama", "Mistral", "Phi3", "Qwen2", "Qwen3")}
_GATED = {f"{family}MLP" for family in ("Llama", "Mistral", "Qwen2", "Qwen3")}
_SILU = {"SiLU", "SiLUActivation"}


def fuse(model: torch.nn.Module) -> None:
    """Have the parts of `model` that are of a known kind computed here, where they lie."""
    for module in model.modules():
        kind = type(module).__name__
        if kind in _NORMS:
            module.forward = partial(_norm, module, module.forward)
        elif kind in _GATED and type(module.act_fn).__name__ in _SILU:
            module.forward = partial(_gated, module, module.forward)


def _norm(module: Any, plain: Callable[..., Any], x: torch.Tensor) -> Any:
    if module.weight.requires_grad or not x.requires_grad or x.dtype is not torch.float32:
        return plain(x)
    return _Norm.apply(x, module.weight, module.variance_epsilon)  # type: ignore[no-untyped-call]


def _gated(module: Any, plain: Callable[..., Any], x: torch.Tensor) -> Any:
    layers = module.gate_proj, module.up_proj, module.down_proj
    if not (torch.is_grad_enabled() and all(type(layer) is MergedLinear and layer.mergeable(x) for layer in layers)):
        return plain(x)
    if any(layer.base_layer.bias is not None for layer in layers):
        return plain(x)
    return _Gated.apply(x, *(part for layer in layers for part in layer.parts()))  # type: ignore[no-untyped-call]


class _Norm(torch.autograd.Function):
    """x divided by its root mean square, times a frozen weight; all that is kept is x and one number a token."""

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
    """down(silu(gate(x)) · up(x)), each with an adapter merged in; kept are x and what gate and up give."""

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
        of_down = factor_gradients(opened * ups, gradient, *down[1:])
        of_product = gradient @ merged_weight(*down)
        of_ups = opened.mul_(of_product)
        of_gates = torch.ops.aten.silu_backward(of_product.mul_(ups), gates)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (of_gates @ merged_weight(*gate)).add_(of_ups @ merged_weight(*up))
        factors = factor_gradients(x, of_gates, *gate[1:]), factor_gradients(x, of_ups, *up[1:]), of_down
        return of_x, *(part for pair in factors for part in (None, *pair, None))
