"""Work in processes that may die: the item that killed one is found by halving, and the rest goes on."""

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
# So many killers are no bad files: the machine is out of memory, or somebody ends the processes.
_MAX_DEATHS = 100


def _nothing() -> None:
    """Shows that a process can start at all."""


@dataclass
class Survival(Generic[Item, Result]):
    """How work goes on when a process dies of it.

    `work` is a function that can be pickled; `halves` gives the parts of an item, or itself when it has none; `died` is
    the result of an item that cannot be divided and kills every process that takes it.
    """

    work: Callable[[Item], Result]
    halves: Callable[[Item], list[Item]]
    died: Callable[[Item], Result]
    deaths: int = 0

    def map(self, items: Sequence[Item], workers: int) -> Iterator[Result]:
        """Yield the result of each item in order, several for an item that had to be divided; never in this process.

        :param workers: processes at the most; 0 takes all cores.
        :raises UserError: when processes cannot be started, or die of everything.
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
            # Processes take items in order, so that what killed one is among the first that are not finished.
            for place in waiting[: 2 * count + 1]:
                finished[place] = self._alone(items[place])

    def _alone(self, item: Item) -> list[Result]:
        """The result of an item that nothing else shares a process with, in parts where it kills."""
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
        """Note a death.

        :raises UserError: when it tells of the machine rather than of the item.
        """
        self.deaths += 1
        try:
            with processes(1) as pool:
                pool.submit(_nothing).result()
        except BrokenProcessPool:
            raise UserError("worker processes cannot be started", "Free some memory and run again.") from None
        if self.deaths > _MAX_DEATHS:
            raise UserError(
                f"worker processes died of {self.deaths} files (out of memory?)", "Set `ingest.workers: 1`."
            )


def _submitted(
    pool: ProcessPoolExecutor, work: Callable[[Item], Result], items: dict[int, Item]
) -> dict[int, Future[Result]]:
    """The futures of all items; of the first ones only when a process dies meanwhile."""
    futures: dict[int, Future[Result]] = {}
    try:
        for place, item in items.items():
            futures[place] = pool.submit(work, item)
    except BrokenProcessPool:
        pass
    return futures


def _succeeded(future: Future[Result]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
