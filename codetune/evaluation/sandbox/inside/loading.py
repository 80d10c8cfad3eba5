"""Functions shared by the processes that run an answer: load its source, limit its output, describe its exceptions."""

from __future__ import annotations

import builtins
import io
from typing import Any

from codetune.evaluation.sandbox.inside.wire import MAX_BYTES, Channel

_PRINTED = MAX_BYTES // 16  # maximal characters of output of a call or an example
MESSAGE = 500
"""Maximal characters of an exception's message or class name."""
ANSWER = "answer"
"""The value of `__name__` in the namespace of an answer."""


class OutputBuffer(io.StringIO):
    """Replacement for standard output that collects the output of a call or an example, up to a maximal length."""

    def write(self, text: str) -> int:
        """Append a text.

        :raises OSError: when the output would become too long.
        """
        if self.tell() + len(text) > _PRINTED:
            raise OSError("more output than is allowed")
        return super().write(text)


def raised(error: BaseException) -> dict[str, Any]:
    """Describe an exception for a message: `name` of its class, `raised` (nearest built-in base class), `message`."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind]
    try:
        message = str(error)[:MESSAGE]
    except BaseException:  # the answer may define __str__ of the exception
        message = ""
    return {"raised": kinds[0], "name": type(error).__name__[:MESSAGE], "message": message}


def load_answer(channel: Channel, source: str, names: list[str]) -> dict[str, Any] | None:
    """Run the source of an answer, and send over the channel which functions are missing or why it failed.

    :param channel: the connection to the process outside the sandbox.
    :param source: the Python source of the answer.
    :param names: the functions that the answer must define.
    :returns: the namespace of the answer; None when the source does not compile or raises an exception.
    """
    namespace: dict[str, Any] = {"__name__": ANSWER}
    try:
        code = compile(source, "<answer>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        channel.send({"does_not_compile": f"{type(error).__name__}: {str(error)[:MESSAGE]}"})
        return None
    try:
        exec(code, namespace)  # noqa: S102
    except BaseException as error:
        channel.send(raised(error))
        return None
    channel.send({"missing": ", ".join(name for name in names if not callable(namespace.get(name)))})
    return namespace
