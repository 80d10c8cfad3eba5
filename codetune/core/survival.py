"""Process items in worker processes that may crash: find the item that crashes them, and process all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from codetune.core.errors import UserError
from codetune.core.workers import cores, start_worker

Item = TypeVar("Item")
Result = TypeVar("Result")
# With so many crashes, the files are not the cause: memory runs out, or somebody kills the processes.
_MAX_DEATHS = 100


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
        with ProcessPool(count, context=get_context("spawn"), initializer=start_worker) as pool:
            try:
                futures = [pool.schedule(self.work, args=[item]) for item in items]
                for item, future in zip(items, futures, strict=True):
                    try:
                        yield future.result()
                    except ProcessExpired:
                        wait(futures)  # the item is tried again while nothing else uses memory
                        yield from self._alone(pool, item)
            except BrokenProcessPool:
                message = "worker processes cannot be started, or end before they have work"
                raise UserError(message, "Free some memory and run again.") from None
            finally:
                pool.stop()  # type: ignore[no-untyped-call]

    def _alone(self, pool: ProcessPool, item: Item) -> Iterator[Result]:
        """Yield the result of an item that no other item runs beside; if it crashes again, the results of its parts."""
        try:
            yield pool.schedule(self.work, args=[item]).result()
        except ProcessExpired:
            parts = self.halves(item)
            if len(parts) > 1:
                for part in parts:
                    yield from self._alone(pool, part)
            else:
                self._count_death()
                yield self.died(item)

    def _count_death(self) -> None:
        """Count a crash.

        :raises UserError: if the machine, not the item, is the likely cause.
        """
        self.deaths += 1
        if self.deaths > _MAX_DEATHS:
            raise UserError(f"worker processes crashed on {self.deaths} files (out of memory?)", "Set `workers: 1`.")
