"""Two sides take turns; the median ratio of the rounds is shown with its range."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

ROUNDS = 3


def seconds(action: Callable[[], object]) -> float:
    """How long `action` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(name: str, ours: Callable[[], object], plain: Callable[[], object]) -> None:
    """Print how many times as fast `ours` is."""
    ratios = [seconds(plain) / seconds(ours) for _ in range(ROUNDS)]
    low, high = min(ratios), max(ratios)
    print(f"{name:58} {statistics.median(ratios):5.2f} times as fast ({low:.2f} to {high:.2f})")


def matrix_peak(dtype: torch.dtype, size: int) -> float:
    """Multiplications and additions per second of a product of square matrices: the best of a few."""
    import torch

    square = torch.randn(size, size).to(dtype)
    torch.mm(square, square)
    return float(2 * size**3) / min(seconds(lambda: torch.mm(square, square)) for _ in range(3))
