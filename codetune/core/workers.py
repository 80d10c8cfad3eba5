"""Apply a function to items on all cores; the results have the order of the items for any number of processes.

Items are read only when processes are ready for them, so few items and results are in memory at a time.
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
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TypeVar

from codetune.core.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")
IN_FLIGHT = 3
"""Submitted items per process: one in work, and two more so that the process never waits for the calling one."""


def cores() -> int:
    """Return how many cores this process may use. With `taskset` or in a container, the machine may have more."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_worker() -> None:
    """Prepare a worker process: it ignores Ctrl-C, and it ends when its parent is killed.

    Ctrl-C reaches every process of the terminal, and the parent handles it. A parent that is killed cannot stop its
    workers, and they would wait for work forever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := parent_process()) is not None:
        Thread(target=_end_after, args=[parent], daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Turn off the cyclic garbage collector inside a block that builds syntax trees.

    Syntax trees are large and have no cycles, so reference counting frees them. Searching them for cycles takes a third
    of the time of parsing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def worker_pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of new ("spawn") processes that ignore Ctrl-C. When the block ends, work not yet begun is cancelled.

    :param count: the number of processes.
    """
    pool = ProcessPoolExecutor(max_workers=count, mp_context=get_context("spawn"), initializer=start_worker)
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


def map_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], total: int, workers: int
) -> Iterator[Result]:
    """Yield `work(item)` for each item, in order. For a single item or worker, no process is started.

    :param work: a picklable function.
    :param total: the number of items.
    :param workers: the largest number of processes; 0 means one per core.
    :raises UserError: if a process is killed from outside, for example because memory ran out.
    """
    count = min(workers or cores(), total)
    if count < 2:  # noqa: PLR2004
        yield from map(work, items)
        return
    with worker_pool(count) as pool:
        try:
            yield from _in_order(pool, work, items, count * IN_FLIGHT)
        except BrokenProcessPool:
            raise UserError(
                f"one of {count} worker processes was killed (out of memory?)", "Set `workers: 1` in params.yaml."
            ) from None
