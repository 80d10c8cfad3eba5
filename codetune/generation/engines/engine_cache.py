"""Keep a limited number of models in open engines, and share the engines between threads.

When the limit is reached, the engine that was used longest ago is closed. An engine that is still generating an answer
cannot be closed, so the request for another one waits.
"""

from __future__ import annotations

import gc
import itertools
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import finalize

from codetune.core.errors import UserError
from codetune.generation.engines.engine import Engine

Kind = TypeVar("Kind", bound=Hashable)
Key = TypeVar("Key", bound=Hashable)
MAX_WAIT_S = 30.0
_POLL_S = 0.1


class EnginesBusyError(UserError):
    """All models in memory are busy with other answers."""


@dataclass(frozen=True)
class EngineKey(Generic[Kind, Key]):
    """What an engine is opened from.

    :param kind: which engine, with its limits.
    :param models: the models.
    """

    kind: Kind
    models: frozenset[Key]


@dataclass(eq=False)
class _Entry(Generic[Kind, Key]):
    """An open engine, and the loans that use it."""

    key: EngineKey[Kind, Key]
    engine: Engine
    loans: set[int] = field(default_factory=set)
    failed: bool = False

    def has(self, wanted: EngineKey[Kind, Key]) -> bool:
        return not self.failed and self.key.kind == wanted.kind and wanted.models <= self.key.models


class Loan:
    """Engines that are in use until they are given back, or until nothing refers to the loan any more.

    :param number: a number of its own.
    :param entries: the entries of the engines.
    """

    def __init__(self, number: int, entries: Sequence[_Entry[Kind, Key]]) -> None:
        self.engines = [entry.engine for entry in entries]
        self._entries = entries
        # Called also by the garbage collector, at any time: so it takes no lock.
        self._give_back = finalize(self, _give_back, number, entries)

    def close(self, *, failed: bool = False) -> None:
        """Give the engines back. Calling it again does nothing.

        :param failed: whether an engine failed, so that all of them must be opened anew.
        """
        if failed and self._give_back.alive:
            for entry in self._entries:
                entry.failed = True
        self._give_back()


def _give_back(number: int, entries: Sequence[_Entry[Kind, Key]]) -> None:
    for entry in entries:
        entry.loans.discard(number)


class EngineCache(Generic[Kind, Key]):
    """A thread-safe cache of open engines with at most `places` models in all.

    :param places: largest number of models in memory.
    :param open_engine: opens the engine of a key. Only one thread calls it at a time.
    """

    def __init__(self, places: int, open_engine: Callable[[EngineKey[Kind, Key]], Engine]) -> None:
        self.places = places
        self._open_engine = open_engine
        self._entries: list[_Entry[Kind, Key]] = []  # used longest ago first
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        finalize(self, _close_all, self._entries)

    def in_memory(self) -> int:
        """Return how many models the open engines have."""
        return sum(len(entry.key.models) for entry in self._entries)

    def borrow(self, keys: Sequence[EngineKey[Kind, Key]], max_wait_s: float = MAX_WAIT_S) -> Loan:
        """Return the engines of `keys`. An engine with more models than asked for is used too.

        All of them are requested at once. Otherwise two threads could each hold an engine and wait for the other one (a
        deadlock).

        :param max_wait_s: longest wait, in seconds.
        :returns: one engine per key, in the order of `keys`.
        :raises EnginesBusyError: when no engine could be closed within `max_wait_s` seconds to make room.
        :raises UserError: when an engine cannot be opened.
        """
        until = time.monotonic() + max_wait_s
        while True:
            with self._lock:
                if self._make_room(keys):
                    return self._lend(keys)
            if time.monotonic() >= until:
                raise EnginesBusyError(
                    f"all {self.places} models in memory are busy with other answers", "Try again in a moment."
                )
            time.sleep(_POLL_S)

    def _find(self, key: EngineKey[Kind, Key]) -> _Entry[Kind, Key] | None:
        return next((entry for entry in self._entries if entry.has(key)), None)

    def _lend(self, keys: Sequence[EngineKey[Kind, Key]]) -> Loan:
        """Open what is not open yet, and lend the engines."""
        number, taken = next(self._numbers), []
        try:
            for key in keys:
                entry = self._find(key) or _Entry(key, self._open_engine(key))
                entry.loans.add(number)
                if entry in self._entries:
                    self._entries.remove(entry)
                self._entries.append(entry)
                taken.append(entry)
        except BaseException:
            _give_back(number, taken)
            raise
        return Loan(number, taken)

    def _make_room(self, keys: Sequence[EngineKey[Kind, Key]]) -> bool:
        """Close the engines that were used longest ago until the wanted ones fit. Return whether they fit."""
        for entry in [entry for entry in self._entries if entry.failed and not entry.loans]:
            self._close(entry)
        kept = [self._find(key) for key in keys]
        new = sum(len(key.models) for key, entry in dict(zip(keys, kept, strict=True)).items() if entry is None)
        unused = [entry for entry in self._entries if not entry.loans and entry not in kept]
        if self.in_memory() + new - sum(len(entry.key.models) for entry in unused) > self.places:
            return False
        while unused and self.in_memory() + new > self.places:
            self._close(unused.pop(0))
        return True

    def _close(self, entry: _Entry[Kind, Key]) -> None:
        self._entries.remove(entry)
        with suppress(OSError):
            entry.engine.close()
        gc.collect()  # models contain reference cycles


def _close_all(entries: list[_Entry[Kind, Key]]) -> None:
    """Close all engines, when the cache is dropped or the program ends."""
    while entries:
        with suppress(OSError):
            entries.pop().engine.close()
