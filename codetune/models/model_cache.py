"""Keep a limited number of models in memory and share them between threads.

When the limit is reached, the model that was requested longest ago is released. A model that is still generating an
answer cannot be released, so the request for a new model waits.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakValueDictionary, ref

from codetune.core.errors import UserError

if TYPE_CHECKING:
    from codetune.models.load import LoadedModel

Key = TypeVar("Key", bound=Hashable)
MAX_WAIT_S = 30.0
_POLL_S = 0.1


class ModelCache(Generic[Key]):
    """A thread-safe cache of at most `places` loaded models, which releases the least recently used one.

    :param places: largest number of models in memory.
    :param load: loads the model of a key. Only one thread calls it at a time.
    """

    def __init__(self, places: int, load: Callable[[Key], LoadedModel]) -> None:
        self.places = places
        self._load = load
        self._kept: OrderedDict[Key, LoadedModel] = OrderedDict()
        # Models that left the cache but are still in use: a new request gets the same object again.
        self._known: WeakValueDictionary[Key, LoadedModel] = WeakValueDictionary()
        self._alive: list[ref[object]] = []
        self._lock = threading.Lock()

    def in_memory(self) -> int:
        """Return how many models are in memory, including models that left the cache but are still in use."""
        self._alive = [model for model in self._alive if model() is not None]
        return len(self._alive)

    def get(self, keys: Sequence[Key], max_wait_s: float = MAX_WAIT_S) -> list[LoadedModel]:
        """Return the models of `keys`.

        All of them are requested at once. Otherwise two threads could each hold a model and wait for the other one (a
        deadlock).

        :param max_wait_s: longest wait, in seconds.
        :returns: one model per key, in the order of `keys`.
        :raises UserError: when a model cannot be loaded, or when none was released within `max_wait_s` seconds.
        """
        until = time.monotonic() + max_wait_s
        while True:
            with self._lock:
                if self._make_room(set(keys)):
                    return [self._get(key) for key in keys]
            if time.monotonic() >= until:
                raise UserError(
                    f"all {self.places} models in memory are busy with other answers",
                    "Try again in a moment.",
                )
            time.sleep(_POLL_S)

    def _get(self, key: Key) -> LoadedModel:
        loaded = self._known.get(key)
        if loaded is None:
            loaded = self._load(key)
            self._alive.append(ref(loaded.model))
        self._known[key] = self._kept[key] = loaded
        self._kept.move_to_end(key)
        return loaded

    def _make_room(self, wanted: set[Key]) -> bool:
        """Release the least recently used models until the wanted ones fit. Return whether they fit."""
        new = len([key for key in wanted if key not in self._known])
        while new and self.in_memory() + new > self.places:
            oldest = next((key for key in self._kept if key not in wanted), None)
            if oldest is not None:
                del self._kept[oldest]
            gc.collect()  # models contain reference cycles
            if oldest is None:
                break
        return not new or self.in_memory() + new <= self.places
