"""Limits on time and memory for an answer; slower machines get proportionally more processor time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.process import Process

_WORK = """
import time

def work():
    start = time.process_time()
    numbers = list(range(1000))
    for turn in range(300):
        numbers = sorted(((number * 7919 + turn) % 100003 for number in numbers), reverse=bool(turn % 2))
    return time.process_time() - start
"""
_NOMINAL_S = 0.05
"""Processor seconds that `_WORK` takes on the machine for which the limits were chosen."""
_ROUNDS = 3


@dataclass(frozen=True)
class Limits:
    """Limits for one answer with its tests.

    :param cpu_s: processor time in seconds.
    :param wall_s: wall-clock time in seconds after which the answer's process is killed, for example because it sleeps.
        It is much larger than `cpu_s`, so that other load on the machine does not change the outcome.
    :param memory_mb: address space in MiB.
    """

    cpu_s: int = 5
    wall_s: int = 120
    memory_mb: int = 512


def calibrate_limits(limits: Limits, isolation: Isolation) -> Limits:
    """Measure the speed of this machine and return the limits with both times scaled up if it is slow.

    :param limits: the limits for a machine of the reference speed.
    :param isolation: the isolation in which the speed is measured.
    :returns: the limits for this machine: twice the times on a machine half as fast, never less than `limits`.
    """
    seconds = min(_measured(limits, isolation) for _ in range(_ROUNDS))
    factor = max(1.0, seconds / _NOMINAL_S)
    return replace(limits, cpu_s=math.ceil(limits.cpu_s * factor), wall_s=math.ceil(limits.wall_s * factor))


def _measured(limits: Limits, isolation: Isolation) -> float:
    with Process(isolation, "answer", 10 * limits.wall_s) as process:
        process.send({"cpu_s": 10 * limits.cpu_s, "memory_mb": limits.memory_mb, "source": _WORK, "names": ["work"]})
        process.receive()
        process.send({"call": "work", "arguments": [], "named": {"dict": []}})
        reply = process.receive()
    if reply is None or not isinstance(reply.get("value"), float):
        raise RuntimeError(f"the sandbox replied {reply!r} to the speed measurement, expected a number of seconds")
    return float(reply["value"])
