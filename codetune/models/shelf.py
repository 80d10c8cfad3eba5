"""The models in memory: shared by all who ask, never more than there are places for.

The model that was asked longest ago makes room for a new one. A model that somebody still takes an answer from cannot
make room; then the new one has to wait.
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
PATIENCE_S = 30.0
_POLL_S = 0.1


class Shelf(Generic[Key]):
    """At most `places` models.

    :param load: makes the model of a key; it is called by one thread at a time.
    """

    def __init__(self, places: int, load: Callable[[Key], LoadedModel]) -> None:
        self.places = places
        self._load = load
        self._kept: OrderedDict[Key, LoadedModel] = OrderedDict()
        # Those that made room while somebody still uses them can be asked all the same.
        self._known: WeakValueDictionary[Key, LoadedModel] = WeakValueDictionary()
        self._alive: list[ref[object]] = []
        self._lock = threading.Lock()

    def in_memory(self) -> int:
        """How many models there are, those included that are no longer kept but still answer."""
        self._alive = [model for model in self._alive if model() is not None]
        return len(self._alive)

    def take(self, keys: Sequence[Key], patience_s: float = PATIENCE_S) -> list[LoadedModel]:
        """The models of `keys`, all at once, so that no two who wait can hold what the other waits for.

        :raises UserError: when one cannot be loaded, or when no place came free within `patience_s` seconds.
        """
        until = time.monotonic() + patience_s
        while True:
            with self._lock:
                if self._make_room(set(keys)):
                    return [self._get(key) for key in keys]
            if time.monotonic() >= until:
                raise UserError(
                    f"all {self.places} places for models in memory are taken by answers that are being written",
                    "Ask again in a moment.",
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
        """Let the oldest go until the wanted ones fit; whether they do."""
        new = len([key for key in wanted if key not in self._known])
        while new and self.in_memory() + new > self.places:
            oldest = next((key for key in self._kept if key not in wanted), None)
            if oldest is not None:
                del self._kept[oldest]
            gc.collect()  # models refer to themselves
            if oldest is None:
                break
        return not new or self.in_memory() + new <= self.places
