"""Start the process of llama.cpp and ask it over its Unix socket."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import split_lines
from codetune.generation.engines.engine import EngineError

_PROCESS = Path(__file__).with_name("llama_cpp_process.py")
_END_WAIT_S = 5
_HTTP_OK = 200
_EVENT = b"data: "
_LOG_CHARS = 300


class LlamaCppProcess:
    """llama.cpp in a process of its own, which listens on a socket that only this user can open.

    :param model: the GGUF file of the base model.
    :param adapters: GGUF files of adapters; a request names them by their place in this list.
    :param slots: number of answers that are generated at the same time.
    :param context: largest number of tokens of one prompt with its answer.
    :param template: the chat template; empty: that of the file of the base model.
    :param prompt_lookup: whether tokens that repeat earlier text are guessed and checked several at once.
    :raises UserError: when the model cannot be loaded.
    """

    def __init__(
        self,
        model: Path,
        adapters: Sequence[Path],
        *,
        slots: int,
        context: int,
        threads: int,
        template: str = "",
        prompt_lookup: bool = False,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="codetune-"))  # only this user can enter it
        self._socket = self._folder / "llama.sock"
        self._log = self._folder / "log.txt"
        self._key = secrets.token_urlsafe()
        settings = {
            "model": str(model.resolve()), "adapters": [str(path.resolve()) for path in adapters],
            "socket": str(self._socket), "key": self._key, "slots": slots, "context": context, "threads": threads,
            "template": template, "prompt_lookup": prompt_lookup,
        }  # fmt: skip
        with self._log.open("w") as log:
            # Isolated (-I), so that no file of the current folder is imported. In a session of its own, so that Ctrl-C
            # in the terminal reaches only the process that serves.
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_PROCESS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait_until_loaded(settings, model)
        except BaseException:
            self.close()
            raise

    def _wait_until_loaded(self, settings: dict[str, Any], model: Path) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        assert self._process.stdout is not None  # noqa: S101
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(settings) + "\n")
            self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise UserError(
                f"llama.cpp cannot load {model}: {self._reason()}", "Use another GGUF file, or set serve.engine: torch."
            )

    def _reason(self) -> str:
        """Return the first error that llama.cpp has logged, in one line."""
        lines = [line.strip() for line in split_lines(self._log.read_text(errors="replace")) if line.strip()]
        errors = [line for line in lines if "error" in line.lower() or "failed" in line.lower()]
        return " ".join((errors or lines or ["it gives no reason"])[0].split())[:_LOG_CHARS]

    def complete(self, request: dict[str, Any], *, stream: bool = True) -> Completion:
        """Start a completion.

        :param request: the body of `POST /completion` of llama.cpp.
        :param stream: whether the answer comes in events; otherwise it is one event.
        """
        return Completion(_SocketConnection(self._socket), self._key, request | {"stream": stream})

    def prompt_ids(self, messages: list[dict[str, str]]) -> list[int]:
        """Return the token ids of a conversation: llama.cpp applies the chat template and its own tokenizer.

        :raises EngineError: when llama.cpp refuses the conversation or its process has ended.
        """
        text = self._ask("/apply-template", {"messages": messages})["prompt"]
        found = self._ask("/tokenize", {"content": text, "add_special": False, "parse_special": True})
        return [int(token) for token in found["tokens"]]

    def _ask(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        return next(Completion(_SocketConnection(self._socket), self._key, request | {"stream": False}, path))

    def close(self) -> None:
        """End the process and remove its folder."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_END_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class _SocketConnection(http.client.HTTPConnection):
    """A HTTP connection over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


class Completion:
    """The events of one completion, in the form of llama.cpp. Closing it frees the slot, also from another thread."""

    def __init__(
        self, connection: http.client.HTTPConnection, key: str, request: dict[str, Any], path: str = "/completion"
    ) -> None:
        self._connection = connection
        self._path = path
        self._closed = threading.Event()
        self._events = self._ask(key, request)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        """Return the next event.

        :raises EngineError: when llama.cpp refuses the request or its process has ended.
        """
        try:
            return next(self._events)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self._closed.is_set():
                raise StopIteration from None
            raise EngineError("llama.cpp ended in the middle of an answer") from error

    def whole(self) -> dict[str, Any]:
        """Return the answer that does not come in events."""
        return next(self)

    def close(self) -> None:
        """Close the connection; llama.cpp then stops generating."""
        self._closed.set()
        connection = self._connection.sock
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # also wakes a thread that waits for the next event

    def _ask(self, key: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        try:
            self._connection.request("POST", self._path, json.dumps(request), headers)
            response = self._connection.getresponse()
            if response.status != _HTTP_OK:
                raise EngineError(f"llama.cpp refuses the request: {_message(response.read())}")
            finished = False
            if not request["stream"]:
                yield json.loads(response.read())
                return
            for line in response:
                if line.startswith(_EVENT):
                    event = json.loads(line[len(_EVENT) :])
                    finished = bool(event.get("stop"))
                    yield event
                elif line.startswith(b"error"):
                    raise EngineError(f"llama.cpp failed: {_message(line.partition(b':')[2])}")
            if not finished and not self._closed.is_set():
                raise EngineError("llama.cpp ended in the middle of an answer")
        finally:
            self._connection.close()


def _message(body: bytes) -> str:
    """Return the message of an error of llama.cpp, in one line."""
    try:
        found = json.loads(body)
        return str(found.get("error", found).get("message", found))
    except (ValueError, AttributeError):
        return " ".join(body.decode(errors="replace").split())[:_LOG_CHARS]
