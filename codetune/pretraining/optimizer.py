"""Muon for the layers' matrices and AdamW for the rest, under one learning-rate schedule.

torch.optim.Muon computes its Newton-Schulz iteration in bfloat16, which a processor without AMX emulates at a
hundredth of the speed, and one matrix at a time. Here it runs in the weights' own type, over all matrices of a shape.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from transformers import LlamaForCausalLM

from codetune.pretraining.params import PretrainParams

# Keller Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024): a quintic iteration that
# brings every singular value near 1 in five steps.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_BETAS = (0.9, 0.95)


def orthogonalized(stack: torch.Tensor) -> torch.Tensor:
    """Each matrix of a stack `(n, rows, columns)` with its singular values brought near 1."""
    wide = stack.shape[-2] <= stack.shape[-1]
    matrix = stack if wide else stack.mT
    matrix = matrix / matrix.flatten(1).norm(dim=1).clamp_min(1e-7)[:, None, None]
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = torch.bmm(matrix, matrix.mT)
        update = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        matrix = torch.baddbmm(matrix, update, matrix, beta=a)
    return matrix if wide else matrix.mT


class Muon(torch.optim.Optimizer):
    """Momentum whose every step is orthogonalized; for matrices only."""

    def __init__(self, weights: list[torch.nn.Parameter], lr: float, momentum: float, weight_decay: float) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Update every matrix; those of one shape together."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
            for weight in group["params"]:
                shapes[weight.shape].append(weight)
            for shape, weights in shapes.items():
                updates = orthogonalized(
                    torch.stack([self._direction(weight, group["momentum"]) for weight in weights])
                )
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for weight, update in zip(weights, updates, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)

    def _direction(self, weight: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        """The gradient with Nesterov momentum."""
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        assert weight.grad is not None  # noqa: S101
        state["momentum"].lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(state["momentum"], momentum)


def make_optimizers(model: LlamaForCausalLM, params: PretrainParams) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices; AdamW for embeddings, output and norms."""
    matrices, norms = [], []
    for name, weight in model.named_parameters():
        if name.startswith("model.layers.") and weight.ndim == 2:  # noqa: PLR2004
            matrices.append(weight)
        elif weight.ndim == 1:
            norms.append(weight)
    groups = [
        {"params": [model.model.embed_tokens.weight], "lr": params.embedding_learning_rate},
        {"params": [model.lm_head.weight, *norms], "lr": params.output_learning_rate},
    ]
    adam = torch.optim.AdamW(groups, betas=_BETAS, eps=1e-10, weight_decay=0.0, fused=True)
    muon = Muon(matrices, params.matrix_learning_rate, params.momentum, params.weight_decay)
    for optimizer in (adam, muon):
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return [adam, muon]


def rate(step: int, params: PretrainParams) -> float:
    """The share of the peak learning rates at a step counted from 0: up, level, and down to zero."""
    if step >= params.steady_steps:
        return (params.steps - step) / (params.steps - params.steady_steps)
    return min(1.0, (step + 1) / params.warmup_steps)


def set_rate(optimizers: list[torch.optim.Optimizer], share: float) -> None:
    """Give every group its peak learning rate times `share`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
