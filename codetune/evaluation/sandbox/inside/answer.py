"""The process that holds an answer: it runs it, and is asked to call its functions. It never sees what is expected."""

from __future__ import annotations

import sys
from typing import Any

from codetune.evaluation.sandbox.inside.limits import open_channel
from codetune.evaluation.sandbox.inside.loading import Printed, load_answer, raised
from codetune.evaluation.sandbox.inside.wire import NotPlainError, decode, encode


def _call(function: Any, arguments: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    """What comes of a call: a value or an exception, what was printed, and what it made of its arguments."""
    before = encode(arguments)
    sys.stdout = printed = Printed()
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
    sys.stdout = Printed()
    namespace = load_answer(channel, first["source"], first["names"])
    if namespace is None:
        return
    while (request := channel.receive()) is not None:
        reply = _call(namespace[request["call"]], decode(request["arguments"]), decode(request["named"]))
        try:
            channel.send(reply)
        except ValueError:
            channel.send({"too_long": True})
