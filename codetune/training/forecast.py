"""Estimate the time and memory of a training run, from its first steps or, roughly, before it starts."""

from __future__ import annotations

import math
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from codetune.core.errors import UserError
from codetune.core.files import read_json
from codetune.core.workers import cores
from codetune.models.memory import tensor_shapes

if TYPE_CHECKING:
    from codetune.numerics import NumericsParams
    from codetune.training.data import Step
    from codetune.training.params import TrainParams

LESS_MEMORY_REMEDY = (
    "Lower train.batch_size and raise train.accumulation by as much, lower train.max_tokens, or set "
    "train.gradient_checkpointing: true."
)
_OF_A_STEP = 1 / 3  # time per token of a validation, as a share of the time in training, which also needs the gradient
_FIRST_STEPS = 3  # the forecast comes after this step; step 1 is not timed, because it compiles matrix routines
# Speed of a training run on two cores, as a share of the speed of numpy's matrix products. numpy uses AVX-512; the
# modes portable and strict do not.
_SHARE_OF_PEAK = {"portable": 0.4, "strict": 0.4, "fast": 0.55}
_TOKENS_PER_ROW, _LABELS_PER_TOKEN = 200, 0.6  # estimates until a training run has counted them
_KEPT = 1.5  # numbers stored for the gradient, per output of a linear layer
_BESIDE_MODEL = 1.2e9  # bytes: libraries, matrix routines, and the logits of some labels
_FLOAT = 4  # bytes of a float32


class Forecast:
    """Times the first steps of a training run, then estimates the time and memory of the whole run, once.

    :param steps: the remaining steps.
    :param validation: the batches of one validation.
    :param evaluations: number of validations to come.
    """

    def __init__(self, steps: list[Step], validation: Step, evaluations: int) -> None:
        self._steps = steps
        self._work = _tokens(steps) + _OF_A_STEP * evaluations * _tokens([validation])
        self._held = psutil.Process().memory_info().rss
        self._seen: list[Step] = []
        self._start = time.monotonic()

    def after(self, step: Step) -> str | None:
        """Record a finished step. Return the forecast after step `_FIRST_STEPS`, otherwise None.

        :param step: the batches of the step.
        :raises UserError: when a later batch will need more memory than the machine has.
        """
        self._seen.append(step)
        if len(self._seen) == 1:
            self._start = time.monotonic()
        if len(self._seen) != _FIRST_STEPS:
            return None
        speed = _tokens(self._seen[1:]) / (time.monotonic() - self._start)
        seconds = self._work / speed
        memory = self._held + (peak_memory() - self._held) * _largest(self._steps) / _largest(self._seen)
        require_memory(memory)
        left = sum(map(len, self._steps))
        duration = format_duration(seconds)
        return f"about {duration} for {left} batches at {speed:,.0f} tokens/s, {memory / 1e9:.1f} GB of memory"


def _tokens(steps: list[Step]) -> int:
    return sum(batch.tokens for step in steps for batch in step)


def _largest(steps: list[Step]) -> int:
    """Return the number of positions of the largest batch."""
    return max(batch.input_ids.numel() for step in steps for batch in step)


def peak_memory() -> int:
    """Return the peak main memory of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def require_memory(wanted: float) -> None:
    """Check that there is enough memory, before the operating system kills the process.

    :param wanted: the main memory that this process will need in total, in bytes.
    :raises UserError: when it is more than the free memory plus the memory that the process has now.
    """
    there = psutil.virtual_memory().available + psutil.Process().memory_info().rss
    if wanted > there:
        raise UserError(
            f"training: the largest batch will need about {wanted / 1e9:.1f} GB of memory, but there are "
            f"{there / 1e9:.1f} GB",
            LESS_MEMORY_REMEDY,
        )


def format_duration(seconds: float) -> str:
    """Return a duration for people to read, such as `40 s`, `3 min` or `2 h 5 min`."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours and minutes <= 1:
        return f"{seconds:.0f} s"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def rough_forecast(base: Path, train: TrainParams, numerics: NumericsParams, summary: Path) -> str:
    """Return one line with an estimate for a training run that has not started.

    It uses the shapes of the model's tensors and a short speed measurement.

    :param base: a folder or GGUF file. Only its headers are read.
    :param train: section `train`.
    :param numerics: section `numerics`.
    :param summary: the summary of an earlier run, which gives the mean length of rows. The file may be missing.
    """
    shapes = [shape for shape in tensor_shapes(base) if len(shape) > 1]
    vocabulary = max(shape[0] for shape in shapes)
    layers = [shape for shape in shapes if shape[0] != vocabulary]
    weights, output = sum(map(math.prod, layers)), next(math.prod(shape) for shape in shapes if shape[0] == vocabulary)
    rows, val_rows, tokens, labels = _counted(train, summary)
    steps = math.ceil(rows * train.epochs / (train.batch_size * train.accumulation))
    if 0 < train.max_steps < steps:
        steps = train.max_steps
    trained = steps * train.batch_size * train.accumulation * tokens
    evaluated = (1 + steps // train.evaluate_every) * val_rows * tokens
    # Per weight and token: multiply and add in the forward pass, and again in the backward pass to the layer's input.
    # Frozen weights need no gradient, and layers below the lowest adapter have no backward pass.
    depth = 0.5 if train.lora.layers_to_transform == "upper-half" else 1.0
    forward, backward = (2 * (share * weights + output * labels) for share in (1.0, depth))
    operations = trained * (forward + backward) + evaluated * forward
    seconds = operations / (_peak() * _SHARE_OF_PEAK[numerics.mode])
    kept = depth * sum(shape[0] for shape in layers) * _KEPT * train.batch_size * train.max_tokens
    memory = _FLOAT * (sum(map(math.prod, shapes)) + kept) + _BESIDE_MODEL
    rows = train.batch_size * train.accumulation
    return (
        f"training, roughly: {format_duration(seconds)} for {steps} steps of {rows} rows on this processor, "
        f"{memory / 1e9:.1f} GB of memory; after the first steps, training gives a better estimate"
    )


def _counted(train: TrainParams, summary: Path) -> tuple[int, int, float, float]:
    """Return the number of rows, of validation rows, of tokens per row, and the share of tokens with a label."""
    if not summary.is_file():
        return train.max_rows or 10_000, train.max_val_rows or 1000, _TOKENS_PER_ROW, _LABELS_PER_TOKEN
    told = read_json(summary)
    rows, val_rows = train.max_rows or told["rows"], train.max_val_rows or told["val_rows"]
    return rows, val_rows, told["tokens"] / told["rows"], told["labels"] / told["tokens"]


def _peak() -> float:
    """Return the float32 operations per second of matrix products, if all cores were free."""
    square = np.ones((1024, 1024), np.float32)
    taken = []
    for _ in range(4):
        start = time.process_time()  # CPU time of all threads of this process; other processes do not count
        square @ square
        taken.append(time.process_time() - start)
    return float(2 * len(square) ** 3 / min(taken)) * cores()
