"""The other end of the process that aligns: started when somebody asks, and again when it has gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.evaluation.alignment.result import Alignment

TIMEOUT_S = 120
_HOUSE = Path(__file__).resolve().parents[3]
_REMEDY = "Try again; the terminal that runs the page says more."


class AlignmentWorker:
    """Asks a process for alignments, one at a time; safe to use from several threads.

    The process brings torch, so that this one need not; it ends by itself when nobody asks for some minutes.

    :param root: the folder of the project, which encoders' paths are relative to.
    :param command: what to run; for tests.
    """

    def __init__(self, root: Path, command: tuple[str, ...] = ("-m", "codetune.evaluation.alignment.serve")) -> None:
        self._root = root
        # Without -P a file of the project could stand in for a module of the same name.
        self._command = [sys.executable, "-P", *command]
        self._environment = {**os.environ, "PYTHONPATH": str(_HOUSE)}
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def align(self, bertscore: dict[str, Any], reference: str, answer: str) -> Alignment:
        """The alignment of an answer with its reference.

        :param bertscore: the section `score.bertscore` of the revision that is looked at.
        :raises UserError: when the encoder is not here, with what brings it; or when it takes too long.
        """
        request = json.dumps({"bertscore": bertscore, "reference": reference, "answer": answer}, default=str)
        with self._turn:
            content = self._ask(request)
        if "error" in content:
            raise UserError(content["error"], content["remedy"])
        return Alignment(**content)

    def _ask(self, request: str) -> dict[str, Any]:
        process = self._running()
        try:
            return dict(json.loads(_exchanged(process, request)))
        except (OSError, ValueError):
            self.close()
            raise UserError("The tokens could not be aligned: the process that does it ended", _REMEDY) from None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._root,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process

    def close(self) -> None:
        """End the process; the next question starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _exchanged(process: subprocess.Popen[str], request: str) -> str:
    """The line that answers one line; empty where none comes in time."""
    if process.stdin is None or process.stdout is None:
        return ""
    process.stdin.write(f"{request}\n")
    process.stdin.flush()
    ready = wait([process.stdout], TIMEOUT_S)
    return process.stdout.readline() if ready else ""
