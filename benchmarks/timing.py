"""Two sides take turns; the median ratio of the rounds is shown with its range."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

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
