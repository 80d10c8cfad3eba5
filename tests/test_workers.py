"""Work on several processes: order kept, mistakes passed on, a killed worker named."""

import os
import signal

import pytest

from codetune.errors import UserError
from codetune.workers import map_in_processes


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    raise UserError(f"{number} is refused", "Try another.")


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_order_is_that_of_the_items(workers):
    assert list(map_in_processes(square, range(9), workers)) == [n * n for n in range(9)]


def test_mistakes_of_the_user_pass_through():
    with pytest.raises(UserError, match=r"0 is refused\. Try another\."):
        list(map_in_processes(refuse, [0, 1], 2))


def test_killed_worker_is_named():
    with pytest.raises(UserError, match="one of 2 worker processes was killed"):
        list(map_in_processes(die, [0, 1], 2))
