"""The loss of a batch: cross-entropy, without the logits of all its labels at once where the model allows it."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.nn import functional

from codetune.models.logits import logits_at, states_at
from codetune.training.data import Batch
from codetune.training.params import Precision

_ROWS = 512  # of logits at a time: with fewer, products take longer
_LAST: WeakKeyDictionary[torch.nn.Module, bool] = WeakKeyDictionary()  # output layers, and whether nothing follows


def batch_loss(model: Any, batch: Batch, precision: Precision = "float32") -> torch.Tensor:
    """Cross-entropy in nats, summed over the labels of a batch.

    :param precision: of matrix products; weights and losses are in float32 in any case.
    """
    batch = batch.to(model.device)
    places = batch.input_ids, batch.positions, batch.position_ids
    with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        layer = model.get_output_embeddings()
        if _is_frozen_product(layer) and _is_last(model, layer, batch.input_ids[:1, :1]):
            states, _ = states_at(model, *places)
            loss: torch.Tensor = _PartByPart.apply(states, layer.weight, layer.bias, batch.targets)  # type: ignore[no-untyped-call]
            return loss
        logits = logits_at(model, *places)
    return functional.cross_entropy(logits.float(), batch.targets, reduction="sum")


def _is_frozen_product(layer: Any) -> bool:
    return type(layer) is torch.nn.Linear and not any(weight.requires_grad for weight in layer.parameters())


def _is_last(model: Any, layer: torch.nn.Module, token: torch.Tensor) -> bool:
    """Whether logits are what the output layer gives, without a soft cap or scaling: tried once, on one token.

    :param token: an id, of shape `(1, 1)`. Random numbers are drawn as if nothing had been tried.
    """
    if layer not in _LAST:
        devices = [token.device] if token.is_cuda else []
        with torch.no_grad(), torch.random.fork_rng(devices):
            states, logits = states_at(model, token, torch.zeros(1, dtype=torch.long, device=token.device))
            _LAST[layer] = torch.equal(logits, layer(states)[0])
    return _LAST[layer]


class _PartByPart(torch.autograd.Function):
    """Cross-entropy of states through a frozen output layer: each part's logits become gradients, and are let go."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
    ) -> torch.Tensor:
        losses, gradients = [], []
        for part, wanted in zip(torch.split(states, _ROWS), torch.split(targets, _ROWS), strict=True):
            scores = functional.linear(part, weight, bias).float()
            torch.log_softmax(scores, -1, out=scores)
            losses.append(-scores.gather(1, wanted[:, None]).sum())
            if ctx.needs_input_grad[0]:
                towards = scores.exp_().scatter_add_(1, wanted[:, None], scores.new_full((len(part), 1), -1))
                gradients.append(towards.to(weight.dtype) @ weight)
        if gradients:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.stack(losses).sum()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        [of_states] = ctx.saved_tensors
        return of_states * gradient, None, None, None
