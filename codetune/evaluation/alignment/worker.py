"""Client of the process that computes alignments. It starts the process on the first request and after it has ended."""

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
_REMEDY = "Try again. The terminal that runs the app shows the cause."


class AlignmentWorker:
    """Requests alignments from another process, one at a time; safe to use from several threads.

    Only the other process imports torch. It ends by itself after some minutes without a request.

    :param root: the folder of the project; paths of encoders are relative to it.
    :param command: arguments for the Python interpreter; tests replace them.
    """

    def __init__(self, root: Path, command: tuple[str, ...] = ("-m", "codetune.evaluation.alignment.serve")) -> None:
        self._root = root
        # With -P, files in the project folder cannot replace modules of the same name.
        self._command = [sys.executable, "-P", *command]
        self._environment = {**os.environ, "PYTHONPATH": str(_HOUSE)}
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def align(self, bertscore: dict[str, Any], reference: str, answer: str) -> Alignment:
        """Align an answer with its reference.

        :param bertscore: the section `score.bertscore` of the revision that the user looks at.
        :param reference: the reference text.
        :param answer: the text of the answer.
        :returns: tokens, similarities and BERTScore of the pair.
        :raises UserError: when the encoder is not on this machine (the message says how to get it), when a text is
            empty, when the process ends, or when it does not reply within `TIMEOUT_S` seconds.
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
            raise UserError("The tokens could not be aligned: the process ended or took too long", _REMEDY) from None

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
        """Kill the process; the next request starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _exchanged(process: subprocess.Popen[str], request: str) -> str:
    """Send one line and return the reply; empty when none comes in time."""
    if process.stdin is None or process.stdout is None:
        return ""
    process.stdin.write(f"{request}\n")
    process.stdin.flush()
    ready = wait([process.stdout.fileno()], TIMEOUT_S)
    return process.stdout.readline() if ready else ""
