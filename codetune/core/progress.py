"""Show progress bars with the time left on standard error, for long tasks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def _options() -> dict[str, Any]:
    """Return options for tqdm: outside a terminal, the bar is redrawn only every ten seconds, to keep logs short."""
    interval = 0.2 if sys.stderr.isatty() else 10.0
    return {"mininterval": interval, "file": sys.stderr, "dynamic_ncols": True}


def track(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    """Yield `items` and update a bar with the label, the rate and the time left.

    :param total: the number of items; None if it is unknown.
    """
    yield from tqdm(items, total=total, desc=label, **_options())


@contextmanager
def progress_bar(label: str, total: int, done: int = 0) -> Iterator[Callable[[str], None]]:
    """Show a bar and yield a function that advances it by one step and shows a text next to it.

    :param total: the number of steps.
    :param done: steps that an earlier process has already done.
    """
    with tqdm(total=total, initial=done, desc=label, **_options()) as bar:

        def advance(text: str) -> None:
            bar.set_postfix_str(text, refresh=False)
            bar.update()

        yield advance
