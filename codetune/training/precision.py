"""Choose the number type of matrix products in training."""

from __future__ import annotations

import time

import torch

from codetune.numerics import Mode
from codetune.training.params import Precision

_SHAPE = 1024, 1024, 1536  # rows, inputs and outputs of a typical matrix product in training
_ROUNDS = 5
_WORTH = 1.3  # smallest speed-up for which bfloat16 is used; converting numbers takes a part of the time it saves


def choose_precision(wanted: Precision, mode: Mode, device: str) -> tuple[Precision, str]:
    """Return `float32` or `bfloat16`, and the reason for the choice.

    :param wanted: `train.precision`. `auto` means float32, because the choice changes the bytes of the adapter, which
        must be equal on all processors. Only in mode `fast`, `auto` means the result of a short measurement.
    :param mode: `numerics.mode`.
    :param device: a torch device.
    """
    if wanted != "auto":
        return wanted, "as train.precision says"
    if mode != "fast":
        return "float32", f"for the same bytes on all processors (numerics.mode {mode})"
    times = _seconds(torch.float32, device) / _seconds(torch.bfloat16, device)
    return "bfloat16" if times >= _WORTH else "float32", f"bfloat16 products are {times:.1f} times as fast here"


def _seconds(kind: torch.dtype, device: str) -> float:
    """Return the time of one matrix product, in seconds: the best of a few, after a first one that is not counted."""
    rows, inner, columns = _SHAPE
    left, right = (torch.ones(shape, dtype=kind, device=device) for shape in ((rows, inner), (columns, inner)))
    taken = []
    for _ in range(1 + _ROUNDS):
        start = time.perf_counter()
        torch.nn.functional.linear(left, right)[0, 0].item()  # item() waits for the device
        taken.append(time.perf_counter() - start)
    return min(taken[1:])
