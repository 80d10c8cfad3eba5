"""Running an answer's source, before anything of it is called: the same for every process that holds an answer."""

from __future__ import annotations

import builtins
import io
from typing import Any

from codetune.evaluation.sandbox.inside.wire import MAX_BYTES, Channel

_PRINTED = MAX_BYTES // 16  # characters of output that a call or an example is granted
MESSAGE = 500
ANSWER = "answer"
"""The name of the module that an answer is."""


class Printed(io.StringIO):
    """Standard output of a call or an example; there is an end to it."""

    def write(self, text: str) -> int:
        """Take in a text.

        :raises OSError: when it is too much.
        """
        if self.tell() + len(text) > _PRINTED:
            raise OSError("more output than is allowed")
        return super().write(text)


def raised(error: BaseException) -> dict[str, Any]:
    """An exception by its name, the nearest built-in one that it is of, and its message."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind]
    try:
        message = str(error)[:MESSAGE]
    except BaseException:  # its __str__ is the answer's
        message = ""
    return {"raised": kinds[0], "name": type(error).__name__[:MESSAGE], "message": message}


def load_answer(channel: Channel, source: str, names: list[str]) -> dict[str, Any] | None:
    """Run an answer's source and report what came of it.

    :param names: the functions that the answer must define.
    :returns: the answer's namespace; None where it cannot be compiled or raises.
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
