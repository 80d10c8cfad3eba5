"""Processes that die: the item is found, the others keep their results and their order."""

import os
import signal

import pytest

from codetune.core import survival as module
from codetune.core.errors import UserError
from codetune.core.survival import CrashTolerantMap

KILLERS = {5, 6, 11}


def double(numbers: tuple[int, ...]) -> list[int]:
    if KILLERS & set(numbers):
        os.kill(os.getpid(), signal.SIGSEGV)
    return [2 * number for number in numbers]


def halves(numbers: tuple[int, ...]) -> list[tuple[int, ...]]:
    middle = len(numbers) // 2
    return [part for part in (numbers[:middle], numbers[middle:]) if part]


def died(numbers: tuple[int, ...]) -> list[int]:
    return [-number for number in numbers]


def refuse(numbers: tuple[int, ...]) -> list[int]:
    raise UserError(f"{numbers} are refused", "Try others.")


def own_process(numbers: tuple[int, ...]) -> list[int]:
    return [os.getpid()]


def end_at_once() -> None:
    os._exit(1)


@pytest.mark.parametrize("workers", [1, 2])
def test_only_killers_are_lost(workers):
    items = [tuple(range(start, start + 3)) for start in range(0, 15, 3)]
    results = [number for part in CrashTolerantMap(double, halves, died).map(items, workers) for number in part]
    assert results == [-number if number in KILLERS else 2 * number for number in range(15)]


def test_nothing_runs_in_this_process():
    ((pid,),) = CrashTolerantMap(own_process, halves, died).map([(1,)], 1)
    assert pid != os.getpid()


def test_no_items_no_results():
    assert list(CrashTolerantMap(double, halves, died).map([], 2)) == []


def test_mistakes_of_the_user_pass_through():
    with pytest.raises(UserError, match="are refused"):
        list(CrashTolerantMap(refuse, halves, died).map([(1,)], 1))


def test_a_machine_that_kills_everything_is_named(monkeypatch):
    monkeypatch.setattr(module, "_MAX_DEATHS", 1)
    with pytest.raises(UserError, match="worker processes crashed on 2 files"):
        list(CrashTolerantMap(double, halves, died).map([(5,), (6,)], 1))


def test_processes_that_end_before_they_have_work_are_named(monkeypatch):
    monkeypatch.setattr("codetune.core.workers.start_worker", end_at_once)
    with pytest.raises(UserError, match="worker processes cannot be started"):
        list(CrashTolerantMap(double, halves, died).map([(1,)], 1))
