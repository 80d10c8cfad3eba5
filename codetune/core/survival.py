"""Process items in worker processes that may crash: find the item that crashes them, and process all others."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from codetune.core.errors import UserError
from codetune.core.workers import IN_FLIGHT, cores, worker_pool

Item = TypeVar("Item")
Result = TypeVar("Result")
# With so many crashes, the files are not the cause: memory runs out, or somebody kills the processes.
_MAX_DEATHS = 100


@contextmanager
def _started_pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool that has done something already, so that a later crash is not that of the start."""
    with worker_pool(count) as pool:
        try:
            pool.submit(os.getpid).result()
        except BrokenProcessPool:
            message = "worker processes cannot be started, or end before they have work"
            raise UserError(message, "Free some memory and run again.") from None
        yield pool


@dataclass
class CrashTolerantMap(Generic[Item, Result]):
    """Apply a function to items in worker processes, and continue when an item crashes its process.

    :param work: the function; it must be picklable.
    :param halves: splits an item into parts, to find the part that crashes; returns one part if it cannot be split.
    :param died: gives the result for an item that cannot be split and crashes every process that works on it.
    :param deaths: the number of crashes so far.
    """

    work: Callable[[Item], Result]
    halves: Callable[[Item], list[Item]]
    died: Callable[[Item], Result]
    deaths: int = 0

    def map(self, items: Sequence[Item], workers: int) -> Iterator[Result]:
        """Yield the result of each item, in order. An item that was split yields one result for each part.

        No work is done in the calling process.

        :param workers: the largest number of processes; 0 means one per core.
        :raises UserError: if no process can be started, or more than 100 items crash their process.
        """
        count = max(1, min(workers or cores(), len(items)))
        left = deque(items)
        while left:
            begun: deque[tuple[Item, Future[Result]]] = deque()
            try:
                yield from self._side_by_side(left, begun, count)
            except BrokenProcessPool:  # one of these items crashed its process, and the others ended with it
                for item, future in begun:
                    if future.exception() is None:
                        yield future.result()
                    else:
                        yield from self._alone(item)

    def _side_by_side(
        self, left: deque[Item], begun: deque[tuple[Item, Future[Result]]], count: int
    ) -> Iterator[Result]:
        """Yield the results of the items in `left`. An item is taken from it when its work is handed out.

        :param begun: the items that are handed out and have no result yet, also after a crash.
        :raises BrokenProcessPool: if a process crashes.
        """
        with _started_pool(count) as pool:
            while left or begun:
                while left and len(begun) < count * IN_FLIGHT:
                    begun.append((left[0], pool.submit(self.work, left[0])))
                    left.popleft()
                result = begun[0][1].result()
                begun.popleft()
                yield result

    def _alone(self, item: Item) -> Iterator[Result]:
        """Yield the result of an item that no other item runs beside; if it crashes again, the results of its parts."""
        left = deque([item])
        while left:
            with _started_pool(1) as pool:
                try:
                    while left:
                        result = pool.submit(self.work, left[0]).result()
                        left.popleft()
                        yield result
                except BrokenProcessPool:
                    crashed = left.popleft()
                    parts = self.halves(crashed)
                    if len(parts) > 1:
                        left.extendleft(reversed(parts))
                    else:
                        self._count_death()
                        yield self.died(crashed)

    def _count_death(self) -> None:
        """Count a crash.

        :raises UserError: if the machine, not the item, is the likely cause.
        """
        self.deaths += 1
        if self.deaths > _MAX_DEATHS:
            raise UserError(f"worker processes crashed on {self.deaths} files (out of memory?)", "Set `workers: 1`.")
