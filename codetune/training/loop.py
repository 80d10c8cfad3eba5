"""The training loop: optimizer steps, validation loss, best adapter, and checkpoints for killed runs."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from tqdm import tqdm

from codetune.core.errors import UserError
from codetune.core.files import stable_seed
from codetune.core.progress import progress_bar
from codetune.training.checkpoint import Checkpoints, trained_weights
from codetune.training.data import Batch, Step
from codetune.training.forecast import LESS_MEMORY_REMEDY, Forecast, peak_memory
from codetune.training.loss import batch_loss
from codetune.training.params import Precision, TrainParams
from codetune.training.progress import Evaluation, Log, Progress
from codetune.training.world import ALONE, World

LOG_EVERY = 10  # number of steps for one point of the curve, which is their mean training loss


def learning_rate(step: int, steps: int, params: TrainParams) -> float:
    """Return the learning rate of a step: linear warm-up, then the schedule.

    Linear and cosine schedules end just above zero.

    :param step: number of the step, counted from 0.
    :param steps: total number of steps.
    """
    warmup = round(params.warmup_share * steps)
    if step < warmup:
        return params.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    factors = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}
    return params.learning_rate * factors[params.schedule]


def validation_loss(model: Any, batches: list[Batch], world: World = ALONE) -> float:
    """Return the mean cross-entropy over all labels of `batches`, in nats. The grouping into batches does not matter.

    :param world: the processes that share the batches.
    """
    training = model.training
    model.eval()
    with torch.no_grad():  # not inference mode: training cannot use weights that FSDP gathers in inference mode
        sums = [batch_loss(model, batch).item() for batch in world.share(batches)]
        for batch in world.dummy_batches(batches):
            batch_loss(model, batch)
    model.train(training)
    return world.total(math.fsum(sums)) / sum(len(batch.targets) for batch in batches)


def make_optimizer(weights: list[torch.nn.Parameter], params: TrainParams) -> torch.optim.Optimizer:
    """Return the optimizer that `train.optimizer` selects.

    AdamW is the fused one. The other AdamW computes square roots with a routine of MKL that gives different bits on
    different processors.
    """
    rate, decay = params.learning_rate, params.weight_decay
    if params.optimizer == "adafactor":
        # Adafactor scales its steps by the size of the weights. But half of an adapter's weights start at zero, so the
        # minimum size is set to 1.0, which is larger than any adapter weight: all steps then have the same scale.
        return torch.optim.Adafactor(weights, lr=rate, weight_decay=decay, eps=(None, 1.0), foreach=False)
    if params.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=rate, weight_decay=decay, fused=True)
    return torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=True)


def train(
    model: Any,
    steps: list[Step],
    validation: list[Batch],
    params: TrainParams,
    log: Log,
    checkpoints: Checkpoints | None = None,
    world: World = ALONE,
) -> Progress:
    """Train the adapter of `model` in place. At the end, the model has the weights with the lowest validation loss.

    :param steps: the batches of each optimizer step, in training order.
    :param validation: the batches for the validation loss.
    :param params: section `train`.
    :param log: called with the step number and values, for the learning curve.
    :param checkpoints: the checkpoint of a killed run, and of this one.
    :param world: the processes that share the batches of every step.
    :raises UserError: when the loss is not finite, or a batch needs more memory than there is.
    """
    if params.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    optimizer = make_optimizer([weight for _, weight in trained_weights(model)], params)
    progress = checkpoints.load(model, optimizer) if checkpoints else None
    for point in progress.logged if progress else ():
        log(*point)
    progress = progress or Progress(len(steps))
    if not progress.evaluations:
        _evaluate(model, validation, progress, log, world)
    done, every = progress.step, params.evaluate_every
    forecast = Forecast(steps[done:], validation, math.ceil(progress.steps / every) - done // every)
    with (
        progress_bar("training", progress.steps, progress.step)
        if world.main
        else nullcontext(lambda _text: None) as advance
    ):
        describe = _describer()
        while progress.step < progress.steps and not progress.no_improvement(params.patience):
            _advance(model, optimizer, steps[progress.step], params, progress, log, world)
            if (told := forecast.after(steps[progress.step - 1])) and world.main:
                tqdm.write(f"training: {told}", file=sys.stderr)
            if progress.step % params.evaluate_every == 0 or progress.step == progress.steps:
                _evaluate(model, validation, progress, log, world)
            if checkpoints and world.main and progress.step % checkpoints.every == 0:
                checkpoints.save(model, optimizer, progress)
            advance(describe(steps[progress.step - 1], progress, optimizer))
    model.load_state_dict(progress.weights, strict=False)
    model.eval()
    return progress


def _describer() -> Callable[[Step, Progress, torch.optim.Optimizer], str]:
    """Return a function that writes the text of the progress bar: losses, learning rate, speed and peak memory."""
    start, tokens = time.monotonic(), 0
    loss = math.nan

    def describe(step: Step, progress: Progress, optimizer: torch.optim.Optimizer) -> str:
        nonlocal tokens, loss
        tokens += sum(batch.tokens for batch in step)
        loss = progress.recent[-1] if progress.recent else loss
        rate = optimizer.param_groups[0]["lr"]
        speed = tokens / (time.monotonic() - start)
        val = progress.evaluations[-1].val_loss
        return f"loss {loss:.3f}, val {val:.3f}, lr {rate:.1e}, {speed:,.0f} tokens/s, {peak_memory() / 1e9:.1f} GB"

    return describe


def _advance(
    model: Any,
    optimizer: torch.optim.Optimizer,
    batches: Step,
    params: TrainParams,
    progress: Progress,
    log: Log,
    world: World,
) -> None:
    """Make one optimizer step, and log a point of the curve every `LOG_EVERY` steps.

    :raises UserError: when the loss is not finite.
    """
    torch.manual_seed(stable_seed(params.seed, "dropout", str(progress.step), str(world.rank)))
    rate = learning_rate(progress.step, progress.steps, params)
    loss = _update(model, batches, optimizer, rate, params, world)
    progress.step += 1
    progress.recent.append(loss)
    rows = ", ".join(name for batch in batches for name in batch.row_ids)
    require_finite(loss, f"step {progress.step}, rows {rows}")
    if progress.step % LOG_EVERY == 0 or progress.step == progress.steps:
        mean = math.fsum(progress.recent) / len(progress.recent)
        _record(progress, log, {"train/loss": mean, "train/learning_rate": rate})
        progress.recent.clear()


def _record(progress: Progress, log: Log, values: dict[str, float]) -> None:
    """Log values of the curve and keep them in `progress`, so that a continued run can log them again."""
    progress.logged.append((progress.step, values))
    log(progress.step, values)


def _update(
    model: Any, batches: Step, optimizer: torch.optim.Optimizer, rate: float, params: TrainParams, world: World
) -> float:
    """Make one optimizer step, unless the loss is not finite. Return the mean loss per label before the step."""
    model.train()
    labels = sum(len(batch.targets) for batch in batches)
    losses = [_backward(model, batch, labels, params.precision, world) for batch in world.share(batches)]
    for batch in world.dummy_batches(batches):
        _backward(model, batch, math.inf, params.precision, world)
    value = world.total(math.fsum(losses))
    if math.isfinite(value):
        for group in optimizer.param_groups:
            world.add_gradients(group["params"])
            torch.nn.utils.clip_grad_norm_(group["params"], params.clip)
            group["lr"] = rate
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return value


def _backward(model: Any, batch: Batch, labels: float, precision: Precision, world: World) -> float:
    """Add the gradients of one batch. Return the batch's share of the step's mean loss.

    :param labels: number of labels of the whole step. Infinity makes the share and its gradients zero.
    """
    try:
        loss = batch_loss(model, batch, precision) / labels
        if math.isfinite(loss.item()) or world.sharded:  # other processes wait for this process's part of the weights
            loss.backward()  # type: ignore[no-untyped-call]
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        rows, length = batch.input_ids.shape
        raise UserError(f"training: not enough memory for {rows} rows of {length} tokens", LESS_MEMORY_REMEDY) from None
    return loss.item()


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error means that memory ran out.

    torch has a special exception only for CUDA, so on the CPU the message decides.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)


def require_finite(loss: float, place: str) -> None:
    """Check that a loss is finite.

    :param place: where the loss was computed, for the error message.
    :raises UserError: when the loss is infinite or not a number.
    """
    if not math.isfinite(loss):
        raise UserError(
            f"training: the loss is {loss} at {place}", "Lower train.learning_rate; the previous adapter is unchanged."
        )


def _evaluate(model: Any, validation: list[Batch], progress: Progress, log: Log, world: World) -> None:
    """Add the validation loss to `progress`. If it is the lowest so far, keep the weights.

    :raises UserError: when the loss is not finite.
    """
    loss = validation_loss(model, validation, world)
    _record(progress, log, {"val/loss": loss})
    require_finite(loss, f"the validation after step {progress.step}")
    progress.evaluations.append(Evaluation(progress.step, loss))
    if progress.best.step == progress.step:
        progress.weights = {name: weight.detach().clone() for name, weight in trained_weights(model)}
