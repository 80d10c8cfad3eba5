"""The process that runs an answer and calls its functions on request. It never sees expected values."""

from __future__ import annotations

import sys
from typing import Any

from codetune.evaluation.sandbox.inside.limits import open_channel
from codetune.evaluation.sandbox.inside.loading import OutputBuffer, load_answer, raised
from codetune.evaluation.sandbox.inside.wire import NotPlainError, decode, encode


def _call(function: Any, arguments: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    """Call a function; return its value or exception, its output, and its arguments if the call changed them."""
    before = encode(arguments)
    sys.stdout = printed = OutputBuffer()
    try:
        reply = {"value": encode(function(*arguments, **named))}
    except NotPlainError as error:
        reply = {"not_plain": str(error)}
    except BaseException as error:  # an answer can also raise SystemExit or KeyboardInterrupt
        error.__traceback__ = None  # frees the objects of its frames, so that enough memory is left for the reply
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
    """Run the answer from the first message, then call its functions, one for each further message."""
    channel, first = open_channel()
    if first is None:
        return
    sys.stdout = OutputBuffer()
    namespace = load_answer(channel, first["source"], first["names"])
    if namespace is None:
        return
    while (request := channel.receive()) is not None:
        reply = _call(namespace[request["call"]], decode(request["arguments"]), decode(request["named"]))
        try:
            channel.send(reply)
        except ValueError:
            channel.send({"too_long": True})
