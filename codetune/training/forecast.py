"""How long a training will take and how much memory: from its first steps, or roughly before it has begun."""

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

LOWER = (
    "Lower train.batch_size and raise train.accumulation by as much, lower train.max_tokens, or set "
    "train.gradient_checkpointing: true."
)
_OF_A_STEP = 1 / 3  # that a token takes without its gradient
_FIRST_STEPS = 3  # that are timed: the very first one makes routines for products
# That a training reached on two cores, of numpy's products; those take AVX-512, where portable and strict do not.
_SHARE_OF_PEAK = {"portable": 0.4, "strict": 0.4, "fast": 0.55}
_TOKENS_PER_ROW, _LABELS_PER_TOKEN = 200, 0.6  # where no training has counted them yet
_KEPT = 1.5  # numbers that are kept for the gradient, for each that an adapted layer gives
_BESIDE_MODEL = 1.2e9  # bytes: libraries, routines, logits of some labels
_FLOAT = 4


class Forecast:
    """Watches the first steps of a training, then says once how long all of it will take, and how much memory.

    :param validation: the batches of each validation.
    :param evaluations: that are to come.
    """

    def __init__(self, steps: list[Step], validation: Step, evaluations: int) -> None:
        self._steps = steps
        self._work = _tokens(steps) + _OF_A_STEP * evaluations * _tokens([validation])
        self._held = psutil.Process().memory_info().rss
        self._seen: list[Step] = []
        self._start = time.monotonic()

    def after(self, step: Step) -> str | None:
        """The forecast, after the last of the first steps.

        :raises UserError: when a later batch would need more memory than there is.
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
        return f"about {in_words(seconds)} for {left} batches at {speed:,.0f} tokens/s, {memory / 1e9:.1f} GB of memory"


def _tokens(steps: list[Step]) -> int:
    return sum(batch.tokens for step in steps for batch in step)


def _largest(steps: list[Step]) -> int:
    """Positions of the largest batch."""
    return max(batch.input_ids.numel() for step in steps for batch in step)


def peak_memory() -> int:
    """The most bytes of main memory that this process has held."""
    unit = 1 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def require_memory(wanted: float) -> None:
    """Stop before the system would, with what to lower.

    :param wanted: bytes that this process is going to hold.
    :raises UserError: when they are more than it holds and the machine has left.
    """
    there = psutil.virtual_memory().available + psutil.Process().memory_info().rss
    if wanted > there:
        raise UserError(
            f"training: the largest batch is going to need about {wanted / 1e9:.1f} GB of memory, and there are "
            f"{there / 1e9:.1f} GB",
            LOWER,
        )


def in_words(seconds: float) -> str:
    """A time as people say it: `40 s`, `3 min`, `2 h 5 min`."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours and minutes <= 1:
        return f"{seconds:.0f} s"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def rough_forecast(base: Path, train: TrainParams, numerics: NumericsParams, summary: Path) -> str:
    """One line on a training that has not begun, from the shapes of the model's tensors and a short measurement.

    :param base: a folder or GGUF file; nothing of it is loaded but the headers.
    :param summary: of an earlier training, whose rows tell how long rows are; need not exist.
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
    # Forward, and back to the layer's input: two products each; no gradient is wanted of a frozen weight.
    operations = (4 * trained + 2 * evaluated) * (weights + output * labels)
    seconds = operations / (_peak() * _SHARE_OF_PEAK[numerics.mode])
    kept = sum(shape[0] for shape in layers) * _KEPT * train.batch_size * train.max_tokens
    memory = _FLOAT * (sum(map(math.prod, shapes)) + kept) + _BESIDE_MODEL
    return (
        f"training, roughly: {in_words(seconds)} for {steps} steps of {train.batch_size * train.accumulation} rows on "
        f"this processor, {memory / 1e9:.1f} GB of memory; the first steps will tell better"
    )


def _counted(train: TrainParams, summary: Path) -> tuple[int, int, float, float]:
    """Rows, validation rows, tokens of a row, and the share of tokens that are labels."""
    if not summary.is_file():
        return train.max_rows or 10_000, train.max_val_rows or 1000, _TOKENS_PER_ROW, _LABELS_PER_TOKEN
    told = read_json(summary)
    rows, val_rows = train.max_rows or told["rows"], train.max_val_rows or told["val_rows"]
    return rows, val_rows, told["tokens"] / told["rows"], told["labels"] / told["tokens"]


def _peak() -> float:
    """Multiplications and additions a second of products of float32 matrices, were all cores free."""
    square = np.ones((1024, 1024), np.float32)
    taken = []
    for _ in range(4):
        start = time.process_time()  # of all threads together, and nobody else's
        square @ square
        taken.append(time.process_time() - start)
    return float(2 * len(square) ** 3 / min(taken)) * cores()
