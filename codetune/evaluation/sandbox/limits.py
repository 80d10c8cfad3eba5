"""How much an answer may use, in processor time that is worth the same on a slow machine."""

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
"""Processor seconds of that work on the machine that the limits are meant for."""
_ROUNDS = 3


@dataclass(frozen=True)
class Limits:
    """For one answer with its tests; on a machine half as fast, twice the processor time is granted.

    :param cpu_s: processor seconds.
    :param wall_s: seconds after which an answer that sleeps is given up; far more than the processor time, so that a
        machine busy with other things changes no verdict.
    :param memory_mb: MiB of address space.
    """

    cpu_s: int = 5
    wall_s: int = 120
    memory_mb: int = 512


def calibrated(limits: Limits, isolation: Isolation) -> Limits:
    """The limits for this machine, never tighter than they were."""
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
        raise RuntimeError(f"the sandbox answered {reply!r} to a piece of work")
    return float(reply["value"])
