"""The training loop: plain steps of one batch, validation loss on the way, the best adapter kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

from codetune.errors import UserError
from codetune.modeling.logits import logits_at
from codetune.progress import track
from codetune.tuning.data import Batch
from codetune.tuning.params import TrainParams

LOG_EVERY = 10  # steps whose mean training loss is one point of the curve
Log = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Evaluation:
    """Mean validation loss in nats per label, after `step` steps."""

    step: int
    val_loss: float


@dataclass
class TrainResult:
    """The evaluations in order, and the trained weights of the best of them."""

    steps: int
    evaluations: list[Evaluation] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def best(self) -> Evaluation:
        """The evaluation with the smallest loss; the earliest of equals."""
        return min(self.evaluations, key=lambda evaluation: evaluation.val_loss)


def learning_rate(step: int, steps: int, params: TrainParams) -> float:
    """The learning rate of a step, counted from 0: a linear rise, then the schedule, which ends just above zero."""
    warmup = round(params.warmup_share * steps)
    if step < warmup:
        return params.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    factors = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}
    return params.learning_rate * factors[params.schedule]


def batch_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy in nats over the labels of a batch."""
    return functional.cross_entropy(logits_at(model, batch.input_ids, batch.positions), batch.targets)


def validation_loss(model: Any, batches: list[Batch]) -> float:
    """Mean cross-entropy in nats over all labels of `batches`, whatever their grouping."""
    training = model.training
    model.eval()
    with torch.inference_mode():
        sums = [batch_loss(model, batch).item() * len(batch.targets) for batch in batches]
    model.train(training)
    return math.fsum(sums) / sum(len(batch.targets) for batch in batches)


def make_optimizer(weights: list[torch.nn.Parameter], params: TrainParams) -> torch.optim.Optimizer:
    """The optimizer that the parameters name.

    Fused: the other AdamW takes its square roots from a routine of MKL that gives other bits on other processors.
    """
    if params.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=params.learning_rate, weight_decay=params.weight_decay, fused=True)
    return torch.optim.AdamW(weights, lr=params.learning_rate, weight_decay=params.weight_decay, fused=True)


def train(model: Any, epochs: list[list[Batch]], validation: list[Batch], params: TrainParams, log: Log) -> TrainResult:
    """Train the adapter of `model` in place, and leave it with the weights that did best on `validation`.

    :param epochs: the batches of each epoch, in training order.
    :param log: called with a step and its values, for the learning curve.
    :raises UserError: when the loss is no longer finite.
    """
    optimizer = make_optimizer([weight for weight in model.parameters() if weight.requires_grad], params)
    result = TrainResult(steps=sum(len(batches) for batches in epochs))
    _evaluate(model, validation, 0, result, log)
    recent: list[float] = []
    for step, batch in enumerate(_batches(epochs, result.steps), start=1):
        rate = learning_rate(step - 1, result.steps, params)
        recent.append(_update(model, batch, optimizer, rate, params.clip))
        _require_finite(recent[-1], f"step {step}, rows {', '.join(batch.row_ids)}")
        if step % LOG_EVERY == 0 or step == result.steps:
            log(step, {"train/loss": math.fsum(recent) / len(recent), "train/learning_rate": rate})
            recent.clear()
        if step % params.evaluate_every == 0 or step == result.steps:
            _evaluate(model, validation, step, result, log)
    model.load_state_dict(result.weights, strict=False)
    model.eval()
    return result


def _batches(epochs: list[list[Batch]], steps: int) -> Iterator[Batch]:
    yield from track((batch for batches in epochs for batch in batches), steps, "training")


def _update(model: Any, batch: Batch, optimizer: torch.optim.Optimizer, rate: float, clip: float) -> float:
    """One optimizer step, left out when the loss is not finite; the loss before it."""
    model.train()
    loss = batch_loss(model, batch)
    value = loss.item()
    if math.isfinite(value):
        loss.backward()  # type: ignore[no-untyped-call]
        for group in optimizer.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], clip)
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return value


def _require_finite(loss: float, place: str) -> None:
    if not math.isfinite(loss):
        raise UserError(
            f"training: the loss is {loss} at {place}", "Lower train.learning_rate; the previous adapter is untouched."
        )


def _evaluate(model: Any, validation: list[Batch], step: int, result: TrainResult, log: Log) -> None:
    """Add the validation loss at `step` to `result`, and the weights when they are the best so far."""
    loss = validation_loss(model, validation)
    log(step, {"val/loss": loss})
    _require_finite(loss, f"the validation after step {step}")
    result.evaluations.append(Evaluation(step, loss))
    if result.best.step == step:
        result.weights = {
            name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad
        }
