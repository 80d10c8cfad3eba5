"""Resource limits of a sandbox process. It sets them itself before untrusted code runs; they cannot be raised later."""

from __future__ import annotations

import resource
from typing import Any

from codetune.evaluation.sandbox.inside.wire import Channel


def open_channel() -> tuple[Channel, dict[str, Any] | None]:
    """Connect to the process that started this one, read the first message, and apply the limits in it.

    :returns: the channel, and the first message; None in place of the message when there is no valid one.
    """
    channel = Channel.from_stdio()
    first = channel.receive()
    if first is not None:
        restrict(first["cpu_s"], first["memory_mb"])
    return channel, first


def restrict(cpu_s: int, memory_mb: int) -> None:
    """Limit processor time and address space; forbid new processes and threads, writing to files, and core dumps.

    :param cpu_s: processor time in seconds.
    :param memory_mb: address space in MiB.
    """
    size = memory_mb << 20
    for what, soft, hard in (
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),  # SIGXCPU, then SIGKILL one second later
        (resource.RLIMIT_AS, size, size),
        (resource.RLIMIT_NPROC, 1, 1),
        (resource.RLIMIT_NOFILE, 32, 32),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))
