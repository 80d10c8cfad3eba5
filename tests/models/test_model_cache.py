from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from codetune.core.errors import UserError
from codetune.models.model_cache import ModelCache


class Model:
    """Something to be counted; it refers to itself, as models do."""

    def __init__(self) -> None:
        self.me = self


@dataclass(frozen=True, eq=False)
class Loaded:
    model: Model
    name: str


class Library:
    """Makes models, and notes which."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, key: str) -> Any:
        self.made.append(key)
        return Loaded(Model(), key)


@pytest.fixture(autouse=True)
def short_collections() -> Iterator[None]:
    """Keep what other tests have left out of the collections that the cache asks for: each would take a second."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def library() -> Library:
    return Library()


def names(shelf: ModelCache[str], *keys: str, **options: float) -> list[str]:
    return [loaded.name for loaded in shelf.get(keys, **options)]


def test_a_model_is_loaded_once_for_all(library: Library) -> None:
    shelf = ModelCache(2, library)
    assert names(shelf, "a", "b") == ["a", "b"]
    assert names(shelf, "b", "a") == ["b", "a"]
    assert library.made == ["a", "b"]


def test_one_model_may_be_asked_twice_at_the_same_time(library: Library) -> None:
    assert names(ModelCache(1, library), "a", "a") == ["a", "a"]
    assert library.made == ["a"]


def test_the_one_asked_longest_ago_goes_first(library: Library) -> None:
    shelf = ModelCache(2, library)
    for keys in ("a", "b", "a", "c"):
        names(shelf, *keys)
    assert shelf.in_memory() == 2
    names(shelf, "a")
    assert library.made == ["a", "b", "c"]
    names(shelf, "b")
    assert library.made == ["a", "b", "c", "b"]


def test_a_model_in_use_makes_no_room(library: Library) -> None:
    shelf = ModelCache(2, library)
    used = shelf.get(["a", "b"])
    with pytest.raises(UserError, match="all 2 models in memory are busy"):
        shelf.get(["c"], max_wait_s=0)
    assert library.made == ["a", "b"]
    assert used[0].name == "a"


def test_a_model_in_use_is_shared_though_it_was_to_make_room(library: Library) -> None:
    shelf = ModelCache(2, library)
    used = shelf.get(["a", "b"])
    with pytest.raises(UserError, match="all 2 models in memory are busy"):
        shelf.get(["c"], max_wait_s=0)
    assert shelf.get(["b", "a"]) == used[::-1]
    assert library.made == ["a", "b"]


def test_who_finds_no_place_waits_for_one(library: Library) -> None:
    shelf = ModelCache(1, library)
    used = shelf.get(["a"])

    def let_go() -> None:
        time.sleep(0.2)
        used.clear()

    threading.Thread(target=let_go).start()
    assert names(shelf, "b", max_wait_s=10) == ["b"]
    assert shelf.in_memory() == 1


def test_many_who_ask_at_once_never_hold_more_than_there_are_places(library: Library) -> None:
    shelf, seen = ModelCache(3, library), []

    def ask(number: int) -> None:
        for step in range(6):
            taken = shelf.get([f"m{(number + step) % 5}", f"m{(number + 2 * step + 1) % 5}"])
            seen.append((shelf.in_memory(), [loaded.name for loaded in taken]))
            del taken

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(seen) == 36
    assert max(count for count, _ in seen) <= 3


def test_a_model_that_cannot_be_loaded_leaves_the_others(library: Library) -> None:
    def load(key: str) -> Any:
        if key == "broken":
            raise UserError("it is broken", "Mend it.")
        return library(key)

    shelf = ModelCache(2, load)
    names(shelf, "a")
    with pytest.raises(UserError, match="it is broken"):
        shelf.get(["broken"])
    assert names(shelf, "a") == ["a"]
    assert library.made == ["a"]
