"""Start commands in a project of a trial, kill them, and see which processes are left."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.slice_project import user_environment

_MARK = "CODETUNE_FAULT_TRIAL"
_GRACE_S = 15
_LIMIT_S = 1800
# At the start of a line; DVC's also behind a progress bar, whose line a killed process cannot end.
_ERROR = re.compile(r"(?i:(?:^|\r)error)|\]ERROR: ", re.MULTILINE)


@dataclass
class Runner:
    """Runs commands in one project, with temporary files and DVC's site cache in folders of their own.

    :param folder: the folder of the trial.
    :param project: the project in it.
    :param environment: further environment variables.
    """

    folder: Path
    project: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own; its output goes to a log file."""
        with self.log.open("ab") as stream:
            stream.write(f"$ {' '.join(command)}\n".encode())
            stream.flush()
            return subprocess.Popen(
                command, cwd=self.project, env=self._variables(), stdin=subprocess.DEVNULL, stdout=stream,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command to its end. Return its exit status and output."""
        before = self.log.stat().st_size if self.log.exists() else 0
        status = self.start(*command).wait(_LIMIT_S)
        with self.log.open("rb") as stream:
            stream.seek(before)
            return status, stream.read().decode(errors="replace")

    def succeed(self, *command: str) -> str:
        """Run a command that must succeed.

        :raises RuntimeError: if it fails.
        """
        status, output = self.run(*command)
        if status:
            raise RuntimeError(f"{' '.join(command)} failed: {output}")
        return output

    @property
    def log(self) -> Path:
        """The file with the output of all commands."""
        return self.folder / "log.txt"

    def output(self) -> str:
        """Return everything that the commands have printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def survivors(self) -> list[psutil.Process]:
        """Return the processes of the trial that are still running some seconds after all should have ended."""
        end = time.monotonic() + _GRACE_S
        while (found := self._marked()) and time.monotonic() < end:
            time.sleep(0.2)
        return found

    def end_survivors(self) -> list[str]:
        """Kill the processes that are left. Return a clause for each."""
        clauses = []
        for process in self.survivors():
            with suppress(psutil.Error):
                clauses.append(f"process {' '.join(process.cmdline())[:120]!r} outlives the kill")
                process.kill()
        return clauses

    def _marked(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(_MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _variables(self) -> dict[str, str]:
        for name in ("tmp", "site"):
            (self.folder / name).mkdir(exist_ok=True)
        return {
            **user_environment(),
            "TMPDIR": str(self.folder / "tmp"),
            "DVC_SITE_CACHE_DIR": str(self.folder / "site"),
            _MARK: str(self.folder),
            **self.environment,
        }


def wait_until(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for some time. Return whether the process is still running then."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is None


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its group with SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_LIMIT_S)


def kill_one(process: subprocess.Popen[bytes], rng: random.Random) -> str:
    """Kill one random descendant of a process with SIGKILL, or the process itself if it has none.

    :returns: the last words of the command line of the one that was killed.
    """
    try:
        choices: Sequence[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
        victim = rng.choice(choices) if choices else psutil.Process(process.pid)
        words = " ".join(victim.cmdline()[-4:])[:80]
        victim.kill()
    except psutil.Error:
        return "nothing, it had just ended"
    return words


def messages(output: str) -> list[str]:
    """Return what is wrong with the messages of a failed command: a traceback, or no line that says what happened."""
    if "Traceback (most recent call last)" in output:
        return ["a traceback was printed"]
    if not _ERROR.search(output):
        return ["no line says what failed"]
    return []
