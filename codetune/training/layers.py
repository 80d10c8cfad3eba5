"""A LoRA layer that trains on its merged weight: fewer matrix products than peft's, with equal results up to rounding.

W is the frozen weight and s·B·A the adapter. peft computes x·Wᵀ and x·Aᵀ·Bᵀ·s, and adds them. This layer first
computes W + s·B·A, which is cheap compared with a batch of tokens, and uses it for the output and for the gradient of
the input. The gradients of A and B need two small products each, as in peft. Only the input is stored for the backward
pass. The merged weight is computed again there, which saves the memory of the merged weights of all layers.
"""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch.nn import functional


class MergedLinear(Linear):  # type: ignore[misc]
    """peft's LoRA layer on a `torch.nn.Linear`. peft computes what cannot be merged (dropout, DoRA, autocast …)."""

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the output, of shape `(…, out features)`.

        :param x: the input, of shape `(…, in features)`.
        """
        if args or kwargs or not self.mergeable(x):
            output: torch.Tensor = super().forward(x, *args, **kwargs)
            return output
        merged: torch.Tensor = _Merged.apply(x, *self.parts())  # type: ignore[no-untyped-call]
        return merged if self.base_layer.bias is None else merged + self.base_layer.bias

    def parts(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
        """Return W, A, B and s, the arguments of `merged_weight`."""
        [name] = self.active_adapters
        return self.base_layer.weight, self.lora_A[name].weight, self.lora_B[name].weight, self.scaling[name]

    def mergeable(self, x: torch.Tensor) -> bool:
        """Return whether the adapter can be merged for this input.

        Exactly one plain adapter must be active, W must be frozen, and x, W and A must have the same number type.
        """
        if self.disable_adapters or self.merged or len(self.active_adapters) != 1:
            return False
        [name] = self.active_adapters
        if name not in self.lora_A or name in self.lora_variant or self.lora_B[name].bias is not None:
            return False
        weight = self.base_layer.weight
        plain = isinstance(self.lora_dropout[name], torch.nn.Identity) and type(self.base_layer) is torch.nn.Linear
        kinds = {x.dtype, weight.dtype, self.lora_A[name].weight.dtype}
        return plain and not weight.requires_grad and len(kinds) == 1 and not torch.is_autocast_enabled(x.device.type)


def merged_weight(weight: torch.Tensor, down: torch.Tensor, up: torch.Tensor, scaling: float) -> torch.Tensor:
    """Return W + s·B·A, of shape `(out features, in features)`.

    :param weight: W, of shape `(out features, in features)`.
    :param down: A, of shape `(rank, in features)`.
    :param up: B, of shape `(out features, rank)`.
    :param scaling: s.
    """
    return torch.addmm(weight, up * scaling, down)


def factor_gradients(x: torch.Tensor, *layers: tuple[Any, ...]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the gradients of A and B of layers that share their input.

    Products with the common input are computed once for all layers.

    :param x: the input, of shape `(…, in features)`.
    :param layers: for each layer, the gradient of its output, A, B and s.
    :returns: for each layer, the gradients of A and B.
    """
    rows = x.flatten(0, -2)
    gradients, downs, ups, scalings = zip(*layers, strict=True)
    flat, sizes = [gradient.flatten(0, -2) for gradient in gradients], [len(down) for down in downs]
    towards = torch.cat([part @ (up * scaling) for part, up, scaling in zip(flat, ups, scalings, strict=True)], 1)
    of_downs = torch.split(towards.t() @ rows, sizes)
    taken = torch.split(rows @ torch.cat(downs).t(), sizes, 1)
    of_ups = [(part.t() @ above).t() * scaling for part, above, scaling in zip(taken, flat, scalings, strict=True)]
    return list(zip(of_downs, of_ups, strict=True))


class _Merged(torch.autograd.Function):
    """x·(W + s·B·A)ᵀ, where W is frozen."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, *parts: Any) -> torch.Tensor:
        ctx.save_for_backward(x, *parts[:3])
        ctx.scaling = parts[3]
        return functional.linear(x, merged_weight(*parts))

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, down, up = ctx.saved_tensors
        of_x = gradient @ merged_weight(weight, down, up, ctx.scaling) if ctx.needs_input_grad[0] else None
        return of_x, None, *factor_gradients(x, (gradient, down, up, ctx.scaling))[0], None
