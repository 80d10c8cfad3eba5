"""Process items in worker processes that may crash: find the item that crashes them, and process all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Generic, TypeVar

from codetune.core.errors import UserError
from codetune.core.workers import cores, processes

Item = TypeVar("Item")
Result = TypeVar("Result")
# With so many crashes, the files are not the cause: memory runs out, or somebody kills the processes.
_MAX_DEATHS = 100


def _nothing() -> None:
    """Do nothing; a call shows that a process can start."""


@dataclass
class Survival(Generic[Item, Result]):
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
        finished: dict[int, list[Result]] = {}
        position = 0
        while position < len(items):
            left = [place for place in range(position, len(items)) if place not in finished]
            with processes(count) as pool:
                futures = _submitted(pool, self.work, {place: items[place] for place in left})
                while position in finished or position in futures:
                    try:
                        results = finished.pop(position, None) or [futures.pop(position).result()]
                    except BrokenProcessPool:
                        break
                    yield from results
                    position += 1
            finished |= {place: [future.result()] for place, future in futures.items() if _succeeded(future)}
            waiting = [place for place in left if place >= position and place not in finished]
            # Processes take items in order, so the item that crashed one is among the first unfinished items.
            for place in waiting[: 2 * count + 1]:
                finished[place] = self._alone(items[place])

    def _alone(self, item: Item) -> list[Result]:
        """Process one item in a process of its own; if that process crashes, do the same with its parts."""
        with processes(1) as pool:
            try:
                return [pool.submit(self.work, item).result()]
            except BrokenProcessPool:
                pass
        parts = self.halves(item)
        if len(parts) > 1:
            return [result for part in parts for result in self._alone(part)]
        self._count_death()
        return [self.died(item)]

    def _count_death(self) -> None:
        """Count a crash.

        :raises UserError: if the machine, not the item, is the likely cause.
        """
        self.deaths += 1
        try:
            with processes(1) as pool:
                pool.submit(_nothing).result()
        except BrokenProcessPool:
            raise UserError("worker processes cannot be started", "Free some memory and run again.") from None
        if self.deaths > _MAX_DEATHS:
            raise UserError(
                f"worker processes crashed on {self.deaths} files (out of memory?)", "Set `ingest.workers: 1`."
            )


def _submitted(
    pool: ProcessPoolExecutor, work: Callable[[Item], Result], items: dict[int, Item]
) -> dict[int, Future[Result]]:
    """Return the future of each item; if a process crashes meanwhile, only of the items submitted before."""
    futures: dict[int, Future[Result]] = {}
    try:
        for place, item in items.items():
            futures[place] = pool.submit(work, item)
    except BrokenProcessPool:
        pass
    return futures


def _succeeded(future: Future[Result]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
