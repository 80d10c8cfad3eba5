"""The process that runs the tests. It requests calls of the answer's functions and checks the returned values."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from codetune.evaluation.sandbox.inside.limits import open_channel
from codetune.evaluation.sandbox.inside.wire import Channel, NotPlainError, decode, encode

_DETAIL = 200


class _UnaskableError(BaseException):
    """The tests pass a value that cannot be sent. Not an `Exception`, so that the tests do not catch it by accident."""


class _AnswerError(Exception):
    """An exception of the answer that cannot be rebuilt here: its own class, or one such as SystemExit."""


def _replace(old: Any, new: Any) -> None:
    """Copy the changes that the answer made to a list, dict or set argument into the tests' object."""
    if type(old) is not type(new):
        return
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, dict | set):
        old.clear()
        old.update(new)


class _Answer:
    """The functions of the answer, as the tests call them.

    :param channel: the connection over which calls are sent to the answer's process.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.error: BaseException | None = None
        self.calls = 0

    def function(self, name: str) -> Callable[..., Any]:
        """Return a function that makes the answer's process call its function `name` and returns the result."""

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            try:
                self._channel.send({"call": name, "arguments": encode(list(arguments)), "named": encode(named)})
            except NotPlainError as error:
                raise _UnaskableError(f"an argument of type {error}") from None
            except ValueError:
                raise _UnaskableError("arguments that are too long") from None
            reply = self._channel.receive()
            if reply is None:
                raise SystemExit
            return self._read(reply, arguments)

        call.__name__ = name
        return call

    def _read(self, reply: dict[str, Any], arguments: tuple[Any, ...]) -> Any:
        printed = reply.get("printed")
        if isinstance(printed, str):
            sys.stdout.write(printed)
        if "arguments" in reply:
            for old, new in zip(arguments, decode(reply["arguments"]), strict=False):
                _replace(old, new)
        if "raised" in reply:
            kind = getattr(builtins, str(reply["raised"]), None)
            usable = isinstance(kind, type) and issubclass(kind, Exception) and reply["raised"] == reply.get("name")
            # The constructors of some built-in exceptions need more than a message.
            try:
                self.error = kind(reply["message"]) if usable else _AnswerError(reply.get("name"))  # type: ignore[misc]
            except TypeError:
                self.error = _AnswerError(reply.get("name"))
            raise self.error
        return decode(reply["value"])


def main() -> None:
    """Run the tests from the first message, and send the verdict."""
    channel, first = open_channel()
    if first is None:
        return
    answer = _Answer(channel)
    namespace: dict[str, Any] = {"__name__": "tests"}
    try:
        exec(compile(first["preamble"], "<preamble>", "exec", dont_inherit=True), namespace)  # noqa: S102
        namespace |= {name: answer.function(name) for name in first["names"]}
        exec(compile(first["tests"], "<tests>", "exec", dont_inherit=True), namespace)  # noqa: S102
    except _UnaskableError as error:
        verdict = {"verdict": "unaskable", "detail": str(error)}
    except Exception as error:  # every exception of the tests is a failure of the answer
        if isinstance(error, AssertionError) and error is not answer.error:
            verdict = {"verdict": "assertion", "detail": str(error)[:_DETAIL]}
        else:
            kind = str(error) if isinstance(error, _AnswerError) else type(error).__name__
            verdict = {"verdict": "exception", "detail": kind[:_DETAIL]}
    else:
        verdict = {"verdict": "passed", "detail": ""}
        if not answer.calls:  # for example when all examples are skipped
            verdict = {"verdict": "unaskable", "detail": "the tests never call the answer"}
    channel.send(verdict)
