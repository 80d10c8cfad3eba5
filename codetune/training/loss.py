"""The cross-entropy loss of a batch. If the model allows it, only a part of the logits is in memory at a time."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.nn import functional

from codetune.models.logits import hidden_states_at, logits_at
from codetune.training.data import Batch
from codetune.training.params import Precision

_ROWS = 512  # rows of logits at a time; with fewer, matrix products are slower
# For each output layer: whether its output is the logits, without further operations.
_LAST: WeakKeyDictionary[torch.nn.Module, bool] = WeakKeyDictionary()


def batch_loss(model: Any, batch: Batch, precision: Precision = "float32") -> torch.Tensor:
    """Return the cross-entropy of a batch in nats, summed over its labels.

    :param precision: number type of the matrix products. Weights and losses are always float32.
    """
    batch = batch.to(model.device)
    places = batch.input_ids, batch.positions, batch.position_ids
    with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        layer = model.get_output_embeddings()
        if _is_frozen_product(layer) and _is_last(model, layer, batch.input_ids[:1, :1]):
            states, _ = hidden_states_at(model, *places)
            loss: torch.Tensor = _ChunkedCrossEntropy.apply(states, layer.weight, layer.bias, batch.targets)  # type: ignore[no-untyped-call]
            return loss
        logits = logits_at(model, *places)
    return functional.cross_entropy(logits.float(), batch.targets, reduction="sum")


def _is_frozen_product(layer: Any) -> bool:
    return type(layer) is torch.nn.Linear and not any(weight.requires_grad for weight in layer.parameters())


def _is_last(model: Any, layer: torch.nn.Module, token: torch.Tensor) -> bool:
    """Return whether the output of the output layer is the logits, without a soft cap or scaling.

    It is tested once per layer, on one token. The state of the random number generators does not change.

    :param token: a token id, of shape `(1, 1)`.
    """
    if layer not in _LAST:
        devices = [token.device] if token.is_cuda else []
        with torch.no_grad(), torch.random.fork_rng(devices):
            states, logits = hidden_states_at(model, token, torch.zeros(1, dtype=torch.long, device=token.device))
            _LAST[layer] = torch.equal(logits, layer(states)[0])
    return _LAST[layer]


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Cross-entropy of hidden states after a frozen output layer, computed in parts.

    The logits of a part are turned into gradients at once and then released.
    """

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
