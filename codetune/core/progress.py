"""Progress with time left, on standard error, for whatever takes longer than a moment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def _options() -> dict[str, Any]:
    """Where standard error is not a terminal the bar is renewed every ten seconds only, so that logs stay short."""
    interval = 0.2 if sys.stderr.isatty() else 10.0
    return {"mininterval": interval, "file": sys.stderr, "dynamic_ncols": True}


def track(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    """Yield `items` while a bar with the label, the rate and the time left is kept up to date."""
    yield from tqdm(items, total=total, desc=label, **_options())


@contextmanager
def meter(label: str, total: int, done: int = 0) -> Iterator[Callable[[str], None]]:
    """Yield a function that counts one step of `total` and shows a text beside the bar.

    :param done: steps that were done before, in an earlier process.
    """
    with tqdm(total=total, initial=done, desc=label, **_options()) as bar:

        def advance(text: str) -> None:
            bar.set_postfix_str(text, refresh=False)
            bar.update()

        yield advance
