"""What a process in the sandbox may use: set by itself before anything unknown runs, and never raised again."""

from __future__ import annotations

import resource
from typing import Any

from codetune.evaluation.sandbox.inside.wire import Channel


def open_channel() -> tuple[Channel, dict[str, Any] | None]:
    """The line to whoever started this process, and the first message, whose limits are in force from here on."""
    channel = Channel.of_this_process()
    first = channel.receive()
    if first is not None:
        restrict(first["cpu_s"], first["memory_mb"])
    return channel, first


def restrict(cpu_s: int, memory_mb: int) -> None:
    """Limit processor time and address space; forbid new processes, files with content, and core dumps."""
    size = memory_mb << 20
    for what, soft, hard in (
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),  # who ignores the signal is killed a second later
        (resource.RLIMIT_AS, size, size),
        (resource.RLIMIT_NPROC, 1, 1),
        (resource.RLIMIT_NOFILE, 32, 32),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (soft, hard))
