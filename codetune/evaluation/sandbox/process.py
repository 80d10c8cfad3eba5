"""A sandbox process, as the process that started it controls it."""

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

_ENDING_S = 10  # how long to wait for a killed process to end


def _descendants(pid: int) -> Iterator[int]:
    """Yield the ids of all child processes of a process, and of their children."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the process has just ended
            for child in map(int, path.read_text().split()):
                yield child
                yield from _descendants(child)


class Process:
    """An isolated interpreter. It is killed with its child processes when the `with` block or its time ends.

    :param isolation: starts the interpreter.
    :param module: the module of `inside` whose `main` it runs.
    :param wall_s: wall-clock time in seconds after which it is killed; `timed_out` is then true.
    :param hash_seed: the value of PYTHONHASHSEED in it.
    """

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
        """Return this process."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the processes that still run, and wait until they have ended."""
        self._timer.cancel()
        self._timer.join()
        self._kill()
        self._process.wait()
        for descriptor in self._ending:
            wait([descriptor], _ENDING_S)
            os.close(descriptor)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # closing flushes the unsent rest, which fails
                pipe.close()  # type: ignore[union-attr]

    def _give_up(self) -> None:
        self.timed_out = True
        self._kill()

    def _kill(self) -> None:
        # The kernel ends the other processes of a namespace only after its first one. Process descriptors allow
        # waiting for them. They must be opened now, because killed parents no longer list their children.
        for pid in _descendants(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                self._ending.append(os.pidfd_open(pid))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message. If the process has ended this does nothing; the next `receive` then returns None."""
        with contextlib.suppress(OSError):
            self._channel.send(message)

    def forward(self, line: bytes) -> None:
        """Send a message that another process sent, unchanged; errors are handled as in `send`."""
        with contextlib.suppress(OSError):
            self._channel.forward(line)

    def receive_line(self) -> bytes:
        """Return the next line as received; empty when the process has ended, or the line is too long or incomplete."""
        return self._channel.receive_line()

    def receive(self) -> dict[str, Any] | None:
        """Return the next message; None when the process has ended or sent an invalid message."""
        return parse(self.receive_line())

    def status(self) -> int | None:
        """Wait up to one second for the process to end, and return its exit status.

        :returns: as `subprocess` has it: negative for a signal, including a signal that ended the process in the
            sandbox; None when the process still runs.
        """
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return None
        shell = 128  # shells and wrappers report a child killed by a signal as 128 + signal number
        return shell - code if code > shell else code
