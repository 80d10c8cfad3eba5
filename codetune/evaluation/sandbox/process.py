"""A process in the sandbox, seen from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Self

from codetune.evaluation.sandbox.inside.wire import Channel, parse
from codetune.evaluation.sandbox.isolation import Isolation

_ENDING_S = 10  # for a process that was killed


def _descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those that these have."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has ended just now
            for child in map(int, path.read_text().split()):
                yield child
                yield from _descendants(child)


class Process:
    """An isolated interpreter that is killed, with all that it started, when the block or its time ends."""

    def __init__(self, isolation: Isolation, module: str, wall_s: float, hash_seed: int = 0) -> None:
        self._process = isolation.start(module, hash_seed)
        self._ending: list[int] = []
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        self._channel = Channel(self._process.stdout, self._process.stdin)  # type: ignore[arg-type]
        self.timed_out = False
        self._timer = threading.Timer(wall_s, self._give_up)
        self._timer.start()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill what is left, and wait until it is gone."""
        self._timer.cancel()
        self._timer.join()
        self._kill()
        self._process.wait()
        for descriptor in self._ending:
            wait([descriptor], _ENDING_S)
            os.close(descriptor)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent any more
                pipe.close()  # type: ignore[union-attr]

    def _give_up(self) -> None:
        self.timed_out = True
        self._kill()

    def _kill(self) -> None:
        # The kernel ends the processes of a namespace after its first one: they are told apart by descriptors, which
        # can be waited for, while they still have parents.
        for pid in _descendants(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                self._ending.append(os.pidfd_open(pid))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; nothing happens when the process is gone: who waits for its reply will see."""
        with contextlib.suppress(OSError):
            self._channel.send(message)

    def forward(self, line: bytes) -> None:
        """As `send`, of a message that another process sent."""
        with contextlib.suppress(OSError):
            self._channel.forward(line)

    def receive_line(self) -> bytes:
        """The next message as it came; empty when the process is gone, or sent what is no message."""
        return self._channel.receive_line()

    def receive(self) -> dict[str, Any] | None:
        """The next message; None when the process is gone, or sent what is no message."""
        return parse(self.receive_line())

    def status(self) -> int | None:
        """How the process ended: as `subprocess` tells it, the inner process's signal included; None if it runs on."""
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return None
        shell = 128  # what tools add to the number of the signal that killed the process they waited for
        return shell - code if code > shell else code
