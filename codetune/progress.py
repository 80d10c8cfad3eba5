"""Progress with time left, on standard error, for whatever takes longer than a moment."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def track(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    """Yield `items` while a bar with the label, the rate and the time left is kept up to date.

    Where standard error is not a terminal the bar is renewed every ten seconds only, so that logs stay short.
    """
    interval = 0.2 if sys.stderr.isatty() else 10.0
    yield from tqdm(items, total=total, desc=label, mininterval=interval, file=sys.stderr, dynamic_ncols=True)
