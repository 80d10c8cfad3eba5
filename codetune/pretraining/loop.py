"""The training loop: learning rates that rise, stay level and fall; resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from codetune.errors import UserError
from codetune.pretraining.checkpoint import Reached, load_checkpoint, save_checkpoint
from codetune.pretraining.device import Device
from codetune.pretraining.mixture import Mixture
from codetune.pretraining.model import training_loss
from codetune.pretraining.optimizer import make_optimizers, rate, set_rate
from codetune.pretraining.params import PretrainParams
from codetune.progress import track

# Rows whose gradients are computed together: what they leave for the way back stays in the processor's cache.
_ROWS = 2
_CPU = Device()


@dataclass(frozen=True)
class Checkpoints:
    """Where a run leaves its state, and what it is a run of.

    `steady` is written before the learning rate falls and outlives the run: one with more tokens, or another decay,
    goes on from there. `decay` is written after, and belongs to this very run.
    """

    folder: Path
    steady_recipe: str
    recipe: str

    @property
    def steady(self) -> Path:
        """State before the decay."""
        return self.folder / "steady.safetensors"

    @property
    def decay(self) -> Path:
        """State within the decay."""
        return self.folder / "decay.safetensors"


def _resume(
    checkpoints: Checkpoints, model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], params: PretrainParams
) -> Reached:
    """How far the run has come, with model and optimizers as they were then."""
    if reached := load_checkpoint(checkpoints.decay, model, optimizers, checkpoints.recipe):
        return reached
    reached = load_checkpoint(checkpoints.steady, model, optimizers, checkpoints.steady_recipe) or Reached()
    if reached.step > params.steady_steps:
        raise UserError(
            f"{checkpoints.steady} has seen {reached.step * params.batch_tokens} tokens at the full learning rate, but "
            f"params.yaml lets the decay begin after {params.steady_steps * params.batch_tokens}",
            "Raise pretrain.tokens, lower pretrain.decay_share, or delete that file to start over.",
        )
    return reached


def _gradients(
    model: LlamaForCausalLM, part: tuple[torch.Tensor, ...], share: float, device: Device
) -> tuple[float, tuple[torch.Tensor, ...]]:
    """Loss and gradients of some rows, times their share of the batch."""
    with device.products():
        loss = training_loss(model, *(tensor.to(device.kind) for tensor in part)) * share
    return loss.item(), torch.autograd.grad(loss, list(model.parameters()))


def _accumulate(model: LlamaForCausalLM, batch: tuple[torch.Tensor, ...], device: Device) -> float:
    """Gradients of a batch, left in the weights; its mean loss.

    Each thread takes rows of its own: threads that share every operator wait for each other at each. The parts and
    the order of their sum do not depend on the number of threads. A GPU takes the whole batch.
    """
    rows = _ROWS if device.kind == "cpu" else len(batch[0])
    parts = list(zip(*(torch.split(tensor, rows) for tensor in batch), strict=True))
    threads = torch.get_num_threads()
    workers = min(threads, len(parts))
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads // workers,)) as pool:
        found = list(pool.map(lambda part: _gradients(model, part, len(part[0]) / len(batch[0]), device), parts))
    torch.set_num_threads(threads)
    for weight, *gradients in zip(model.parameters(), *(gradients for _, gradients in found), strict=True):
        weight.grad = gradients[0]
        for gradient in gradients[1:]:
            weight.grad += gradient
    return math.fsum(loss for loss, _ in found)


def train_step(
    model: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
    mixture: Mixture,
    step: int,
    params: PretrainParams,
    device: Device = _CPU,
) -> float:
    """One optimizer step, counted from 0; its loss in nats per token.

    :param device: that of the model.
    """
    set_rate(optimizers, rate(step, params))
    loss = _accumulate(model, mixture.batch(step, params), device)
    torch.nn.utils.clip_grad_norm_(model.parameters(), params.clip)
    for optimizer in optimizers:
        optimizer.step()
    model.zero_grad(set_to_none=True)
    return loss


def pretrain(
    model: LlamaForCausalLM,
    mixture: Mixture,
    params: PretrainParams,
    checkpoints: Checkpoints,
    validate: Callable[[LlamaForCausalLM], float],
    device: Device = _CPU,
) -> Reached:
    """Train `model` in place on `mixture`; how far it came, with its curves.

    :param validate: gives bits per byte on held-out files.
    :param device: where it is trained; afterwards the model is there.
    :raises UserError: when the loss is not finite; the last checkpoint stays.
    """
    model.to(device.kind)
    optimizers = make_optimizers(model, params)
    reached = _resume(checkpoints, model, optimizers, params)
    model.train()
    recent: list[float] = []
    start = time.monotonic()
    for step in track(range(reached.step, params.steps), params.steps - reached.step, "pretraining"):
        recent.append(train_step(model, optimizers, mixture, step, params, device))
        if not math.isfinite(recent[-1]):
            raise UserError(f"the loss of pretraining step {step + 1} is not finite", "Lower the learning rates.")
        reached.step = step + 1
        ends = reached.step in {params.steady_steps, params.steps}
        if reached.step % params.evaluate_every == 0 or ends:
            reached.validation.append((reached.step, round(validate(model), 4)))
            print(f" step {reached.step}: {reached.validation[-1][1]} bits per byte", flush=True)  # noqa: T201
        if reached.step % params.checkpoint_every == 0 or ends:
            reached.curve.append((reached.step, round(math.fsum(recent) / len(recent), 4)))
            now = time.monotonic()
            reached.seconds, recent, start = reached.seconds + now - start, [], now
            print(f" step {reached.step}: loss {reached.curve[-1][1]}", flush=True)  # noqa: T201
            _save(checkpoints, model, optimizers, reached, steady=reached.step <= params.steady_steps)
    return reached


def _save(
    checkpoints: Checkpoints,
    model: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
    reached: Reached,
    *,
    steady: bool,
) -> None:
    path = checkpoints.steady if steady else checkpoints.decay
    save_checkpoint(path, model, optimizers, reached, checkpoints.steady_recipe if steady else checkpoints.recipe)
