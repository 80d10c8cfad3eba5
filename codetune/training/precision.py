"""The precision of products in training, where that is left to the machine."""

from __future__ import annotations

import time

import torch

from codetune.numerics import Mode
from codetune.training.params import Precision

_SHAPE = 1024, 1024, 1536  # of a product as training has them
_ROUNDS = 5
_WORTH = 1.3  # times as fast: what it saves in products is partly spent on changing numbers from kind to kind


def chosen_precision(wanted: Precision, mode: Mode, device: str) -> tuple[Precision, str]:
    """`float32` or `bfloat16`, and why.

    :param wanted: what `auto` stands for is float32 unless the numerics are `fast`, since bytes are to be the same on
        all processors, and this depends on them; then it is what a short measurement says.
    :param device: in torch's words.
    """
    if wanted != "auto":
        return wanted, "as train.precision says"
    if mode != "fast":
        return "float32", f"for the same bytes everywhere (numerics.mode {mode})"
    times = _seconds(torch.float32, device) / _seconds(torch.bfloat16, device)
    return "bfloat16" if times >= _WORTH else "float32", f"products in bfloat16 are {times:.1f} times as fast here"


def _seconds(kind: torch.dtype, device: str) -> float:
    """How long a product takes: the best of a few, after one that makes the routine."""
    rows, inner, columns = _SHAPE
    left, right = (torch.ones(shape, dtype=kind, device=device) for shape in ((rows, inner), (columns, inner)))
    taken = []
    for _ in range(1 + _ROUNDS):
        start = time.perf_counter()
        torch.nn.functional.linear(left, right)[0, 0].item()  # waits for the device
        taken.append(time.perf_counter() - start)
    return min(taken[1:])
