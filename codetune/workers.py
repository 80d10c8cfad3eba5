"""Work on all cores: results in the order of the items, whatever the number of processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from codetune.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of the terminal; only the parent says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes that leave interrupts to this one; work that has not begun ends with the block."""
    pool = ProcessPoolExecutor(
        max_workers=count, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_the_parent
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def map_in_processes(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Yield `work` of each item, in order; in this process where more would stand idle.

    :param work: a function that can be pickled.
    :param workers: processes at the most; 0 takes all cores.
    :raises UserError: when a process is killed from outside, as by a machine out of memory.
    """
    count = min(workers or os.cpu_count() or 1, len(items))
    if count < 2:  # noqa: PLR2004
        yield from map(work, items)
        return
    with processes(count) as pool:
        try:
            yield from pool.map(work, items)
        except BrokenProcessPool:
            raise UserError(
                f"one of {count} worker processes was killed (out of memory?)", "Set `workers: 1` in params.yaml."
            ) from None
