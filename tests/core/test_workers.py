"""Work on several processes: order kept, mistakes passed on, a killed worker named."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from codetune.core.errors import UserError
from codetune.core.workers import gc_paused, map_in_processes


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    raise UserError(f"{number} is refused", "Try another.")


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_order_is_that_of_the_items(workers):
    assert list(map_in_processes(square, range(9), 9, workers)) == [n * n for n in range(9)]


def test_mistakes_of_the_user_pass_through():
    with pytest.raises(UserError, match=r"0 is refused\. Try another\."):
        list(map_in_processes(refuse, [0, 1], 2, 2))


def test_killed_worker_is_named():
    with pytest.raises(UserError, match="one of 2 worker processes was killed"):
        list(map_in_processes(die, [0, 1], 2, 2))


ORPHANS = """
import os, sys, time
from codetune.core.survival import CrashTolerantMap
from codetune.core.workers import map_in_processes

def sleep(number):
    time.sleep(0.1)
    sys.stdout.write(f"{os.getpid()}\\n")
    sys.stdout.flush()
    time.sleep(60)

if __name__ == "__main__":
    if KIND == "pool":
        list(map_in_processes(sleep, [1, 2], 2, 2))
    else:
        list(CrashTolerantMap(sleep, lambda item: [item], str).map([1, 2], 2))
"""


@pytest.mark.parametrize("kind", ["pool", "survival"])
def test_workers_end_when_their_parent_is_killed(tmp_path, kind):
    script = tmp_path / "script.py"
    script.write_text(ORPHANS.replace("KIND", repr(kind)))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        workers = [psutil.Process(int(parent.stdout.readline())) for _ in range(2)]
        parent.kill()
    _, alive = psutil.wait_procs(workers, timeout=10)
    for worker in alive:
        worker.kill()
    assert not alive


def test_items_are_drawn_as_they_are_worked_on():
    items = iter(range(1, 101))
    results = map_in_processes(square, items, 100, 2)
    assert next(results) == 1
    assert next(items) <= 7, "no more than three per process were drawn"
    assert sum(results) == sum(n * n for n in range(2, 101)) - 49


def test_garbage_is_collected_again_after_an_error_too():
    def fail() -> None:
        with gc_paused():
            assert not gc.isenabled()
            raise UserError("no", "yes")

    with pytest.raises(UserError):
        fail()
    assert gc.isenabled()
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled(), "as it was before"
    finally:
        gc.enable()
