"""Time two sides in turns; print the median ratio of the rounds with its range."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

ROUNDS = 3


def seconds(action: Callable[[], object]) -> float:
    """Return how long `action` takes, in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(name: str, ours: Callable[[], object], plain: Callable[[], object]) -> None:
    """Print how many times as fast `ours` is as `plain`."""
    ratios = [seconds(plain) / seconds(ours) for _ in range(ROUNDS)]
    low, high = min(ratios), max(ratios)
    print(f"{name:58} {statistics.median(ratios):5.2f} times as fast ({low:.2f} to {high:.2f})")


def matrix_peak(dtype: torch.dtype, size: int) -> float:
    """Return the operations per second of a product of square matrices, the best of three runs."""
    import torch

    square = torch.randn(size, size).to(dtype)
    torch.mm(square, square)
    return float(2 * size**3) / min(seconds(lambda: torch.mm(square, square)) for _ in range(3))
