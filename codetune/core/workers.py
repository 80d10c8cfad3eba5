"""Work on all cores: results in the order of the items, whatever the number of processes.

Items are drawn as the processes take them, so that neither they nor the results pile up in memory.
"""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from codetune.core.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")
# Items handed out per process: one that is worked on, and others so that it never waits for this process.
_IN_FLIGHT = 3


def cores() -> int:
    """How many cores this process may use: `taskset` or a container may leave it fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _leave_interrupts_to_the_parent() -> None:
    """Ctrl-C reaches every process of the terminal; only the parent says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def uncollected() -> Iterator[None]:
    """A block without garbage collection: syntax trees are large, have no cycles, and go when nobody needs them.

    Looking through them for cycles takes a third of the time of parsing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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


def _in_order(
    pool: ProcessPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], limit: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= limit:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def stream_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], total: int, workers: int
) -> Iterator[Result]:
    """Yield `work` of each item, in order; in this process where more would stand idle.

    :param work: a function that can be pickled.
    :param total: how many items there are.
    :param workers: processes at the most; 0 takes all cores.
    :raises UserError: when a process is killed from outside, as by a machine out of memory.
    """
    count = min(workers or cores(), total)
    if count < 2:  # noqa: PLR2004
        yield from map(work, items)
        return
    with processes(count) as pool:
        try:
            yield from _in_order(pool, work, items, count * _IN_FLIGHT)
        except BrokenProcessPool:
            raise UserError(
                f"one of {count} worker processes was killed (out of memory?)", "Set `workers: 1` in params.yaml."
            ) from None
