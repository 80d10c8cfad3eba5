"""The process that holds an answer: it runs it, and is asked to call its functions. It never sees what is expected."""

from __future__ import annotations

import builtins
import io
import sys
from typing import Any

from codetune.sandbox.inside.limits import open_channel
from codetune.sandbox.inside.wire import MAX_BYTES, NotPlainError, decode, encode

_PRINTED = MAX_BYTES // 16  # characters of output that a call is granted
_MESSAGE = 500


class _Printed(io.StringIO):
    """Standard output of a call; there is an end to it."""

    def write(self, text: str) -> int:
        if self.tell() + len(text) > _PRINTED:
            raise OSError("more output than is allowed")
        return super().write(text)


def raised(error: BaseException) -> dict[str, Any]:
    """An exception by its name, the nearest built-in one that it is of, and its message."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind]
    try:
        message = str(error)[:_MESSAGE]
    except BaseException:  # its __str__ is the answer's
        message = ""
    return {"raised": kinds[0], "name": type(error).__name__[:_MESSAGE], "message": message}


def _call(function: Any, arguments: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    """What comes of a call: a value or an exception, what was printed, and what it made of its arguments."""
    before = encode(arguments)
    sys.stdout = printed = _Printed()
    try:
        reply = {"value": encode(function(*arguments, **named))}
    except NotPlainError as error:
        reply = {"not_plain": str(error)}
    except BaseException as error:  # an answer may leave by any door
        error.__traceback__ = None  # lets go of what filled the memory, so that there is some to tell of it
        reply = raised(error)
    finally:
        sys.stdout = sys.__stdout__
    reply["printed"] = printed.getvalue()
    try:
        after = encode(arguments)
    except NotPlainError:
        after = before
    return reply | ({"arguments": after} if after != before else {})


def main() -> None:
    """Run the answer that the first message holds, then call its functions as asked."""
    channel, first = open_channel()
    if first is None:
        return
    sys.stdout = _Printed()
    namespace: dict[str, Any] = {"__name__": "answer"}
    try:
        code = compile(first["source"], "<answer>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        channel.send({"does_not_compile": f"{type(error).__name__}: {str(error)[:_MESSAGE]}"})
        return
    try:
        exec(code, namespace)  # noqa: S102
    except BaseException as error:
        channel.send(raised(error))
        return
    channel.send({"missing": ", ".join(name for name in first["names"] if not callable(namespace.get(name)))})
    while (request := channel.receive()) is not None:
        reply = _call(namespace[request["call"]], decode(request["arguments"]), decode(request["named"]))
        try:
            channel.send(reply)
        except ValueError:
            channel.send({"too_long": True})
