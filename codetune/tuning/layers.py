"""A LoRA layer that trains on its merged weight: fewer products than peft's own, and the same, up to rounding.

With W the frozen weight and s·B·A the adapter, peft computes x·Wᵀ and x·Aᵀ·Bᵀ·s, and adds them. Here W + s·B·A is made
first, which is cheap beside a batch of tokens, and used for the output and for the gradient of the input; the factors'
gradients need two narrow products each, as ever. No wide intermediate results are kept; the merged weight is, for the
gradient, where it is no larger than the input, else it is made again.
"""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch.nn import functional


class MergedLinear(Linear):  # type: ignore[misc]
    """peft's layer on a `torch.nn.Linear`; what cannot be merged (dropout, DoRA, autocast …) it leaves to peft."""

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """The output, of shape `(…, out features)`, for an input of shape `(…, in features)`."""
        if args or kwargs or not self._mergeable(x):
            output: torch.Tensor = super().forward(x, *args, **kwargs)
            return output
        [name] = self.active_adapters
        down, up = self.lora_A[name].weight, self.lora_B[name].weight
        merged: torch.Tensor = _Merged.apply(x, self.base_layer.weight, down, up, self.scaling[name])  # type: ignore[no-untyped-call]
        return merged if self.base_layer.bias is None else merged + self.base_layer.bias

    def _mergeable(self, x: torch.Tensor) -> bool:
        """Whether a single plain adapter is at work, and all is in one precision."""
        if self.disable_adapters or self.merged or len(self.active_adapters) != 1:
            return False
        [name] = self.active_adapters
        if name not in self.lora_A or name in self.lora_variant or self.lora_B[name].bias is not None:
            return False
        weight = self.base_layer.weight
        plain = isinstance(self.lora_dropout[name], torch.nn.Identity) and type(self.base_layer) is torch.nn.Linear
        kinds = {x.dtype, weight.dtype, self.lora_A[name].weight.dtype}
        return plain and not weight.requires_grad and len(kinds) == 1 and not torch.is_autocast_enabled(x.device.type)


class _Merged(torch.autograd.Function):
    """x·(W + s·B·A)ᵀ, where W is frozen."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, down: torch.Tensor, up: torch.Tensor, scaling: float
    ) -> torch.Tensor:
        merged = torch.addmm(weight, up * scaling, down)
        kept = merged if merged.numel() <= x.numel() else None
        ctx.save_for_backward(x, weight, down, up, kept)
        ctx.scaling = scaling
        return functional.linear(x, merged)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, down, up, merged = ctx.saved_tensors
        flat, rows = gradient.flatten(0, -2), x.flatten(0, -2)
        scaled = up * ctx.scaling
        of_x = None
        if ctx.needs_input_grad[0]:
            merged = torch.addmm(weight, scaled, down) if merged is None else merged
            of_x = (flat @ merged).view_as(x)
        of_down = (flat @ scaled).t() @ rows
        of_up = ((rows @ down.t()).t() @ flat).t() * ctx.scaling
        return of_x, None, of_down, of_up, None
