"""Open engines are shared, and closed when others need their place."""

import gc
import threading
import time

import pytest

from codetune.core.errors import UserError
from codetune.generation.engines.engine_cache import EngineCache, EngineKey, EnginesBusyError


class Engine:
    def __init__(self, key):
        self.name, self.closed = key.kind + "".join(sorted(key.models)), False

    def close(self):
        self.closed = True


class Factory:
    """Opens engines, and notes them."""

    def __init__(self):
        self.opened = []

    def __call__(self, key):
        if "broken" in key.models:
            raise UserError("it is broken", "Mend it.")
        self.opened.append(Engine(key))
        return self.opened[-1]

    @property
    def names(self):
        return [engine.name for engine in self.opened]

    @property
    def closed(self):
        return [engine.name for engine in self.opened if engine.closed]


def keys(*groups, kind=""):
    """One key for each text, whose letters are models."""
    return [EngineKey(kind, frozenset(group)) for group in groups]


def use(cache, *groups, kind=""):
    """Borrow engines and give them back. Return their names."""
    loan = cache.borrow(keys(*groups, kind=kind), max_wait_s=0)
    loan.close()
    return [engine.name for engine in loan.engines]


@pytest.fixture
def factory():
    return Factory()


def test_an_engine_is_opened_once_for_all(factory):
    cache = EngineCache(4, factory)
    assert use(cache, "a", "bc") == ["a", "bc"]
    assert use(cache, "bc", "a") == ["bc", "a"]
    assert factory.names == ["a", "bc"]
    assert cache.in_memory() == 3


def test_an_engine_may_be_asked_twice_at_the_same_time(factory):
    assert use(EngineCache(1, factory), "a", "a") == ["a", "a"]
    assert factory.names == ["a"]


def test_an_engine_with_more_models_is_used_and_another_kind_is_not(factory):
    cache = EngineCache(4, factory)
    use(cache, "ab")
    assert use(cache, "a") == use(cache, "b") == ["ab"]
    assert use(cache, "a", kind="torch ") == ["torch a"]
    assert use(cache, "c") == ["c"]


def test_the_engine_used_longest_ago_is_closed_first(factory):
    cache = EngineCache(4, factory)
    for group in ("ab", "cd", "ab", "e"):
        use(cache, group)
    assert factory.closed == ["cd"]
    assert cache.in_memory() == 3
    use(cache, "f")
    assert factory.closed == ["cd"]
    use(cache, "g")
    assert factory.closed == ["ab", "cd"]


def test_an_engine_in_use_makes_no_room(factory):
    cache = EngineCache(4, factory)
    loan = cache.borrow(keys("ab", "c"))
    use(cache, "d")
    with pytest.raises(EnginesBusyError, match="all 4 models in memory are busy"):
        cache.borrow(keys("ef"), max_wait_s=0)
    assert not factory.closed, "closing d alone would make too little room"
    loan.close()
    assert use(cache, "ef") == ["ef"]
    assert factory.closed == ["ab"]


def test_a_loan_that_is_forgotten_is_given_back(factory):
    cache = EngineCache(1, factory)
    loan = cache.borrow(keys("a"))
    with pytest.raises(EnginesBusyError):
        use(cache, "b")
    del loan
    gc.collect()
    assert use(cache, "b") == ["b"]


def test_who_finds_no_place_waits_for_one(factory):
    cache = EngineCache(1, factory)
    loan = cache.borrow(keys("a"))
    timer = threading.Timer(0.2, loan.close)
    timer.start()
    assert cache.borrow(keys("b"), max_wait_s=10).engines[0].name == "b"
    assert factory.closed == ["a"]
    timer.join()


def test_many_who_ask_at_once_never_hold_more_than_there_are_places(factory):
    cache, seen = EngineCache(3, factory), []

    def ask(number):
        for step in range(6):
            loan = cache.borrow(keys(str((number + step) % 5), str((number + 2 * step + 1) % 5)))
            seen.append((cache.in_memory(), [engine.closed for engine in loan.engines]))
            time.sleep(0.001)
            loan.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(seen) == 36
    assert max(count for count, _ in seen) <= 3
    assert not any(any(closed) for _, closed in seen)


def test_an_engine_that_cannot_be_opened_leaves_the_others_free(factory):
    cache = EngineCache(2, factory)
    with pytest.raises(UserError, match="it is broken"):
        cache.borrow([*keys("a"), EngineKey("", frozenset({"broken"}))])
    assert use(cache, "a") == ["a"]
    assert use(cache, "bc") == ["bc"]
    assert factory.names == ["a", "bc"]


def test_an_engine_that_failed_is_opened_anew(factory):
    cache = EngineCache(2, factory)
    first, second = cache.borrow(keys("a")), cache.borrow(keys("a"))
    first.close(failed=True)
    assert use(cache, "a") == ["a"]
    assert len(factory.opened) == 2
    assert not factory.closed, "another answer still uses it"
    second.close()
    use(cache, "a")
    assert [engine.closed for engine in factory.opened] == [True, False]


def test_all_engines_are_closed_with_the_cache(factory):
    cache = EngineCache(2, factory)
    use(cache, "a", "b")
    del cache
    gc.collect()
    assert factory.closed == ["a", "b"]
