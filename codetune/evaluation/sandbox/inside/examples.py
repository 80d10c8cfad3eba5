"""The process that runs examples beside an answer: their values may be of any kind, for only what is printed leaves.

It gets the statements one by one and never what they must print: that is compared outside of the sandbox.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

from codetune.evaluation.sandbox.inside.limits import open_channel
from codetune.evaluation.sandbox.inside.loading import ANSWER, MESSAGE, Printed, load_answer, raised


def _run(source: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """What a statement prints, the value of an expression included, and the exception that it ends in."""
    sys.stdout = printed = Printed()
    sys.displayhook = sys.__displayhook__
    reply = {}
    try:
        exec(compile(source, "<example>", "single", dont_inherit=True), namespace)  # noqa: S102
    except BaseException as error:  # an answer may leave by any door
        error.__traceback__ = None
        reply = raised(error) | {"last_line": _last_line(error)}
    finally:
        sys.stdout = sys.__stdout__
    return reply | {"printed": printed.getvalue()}


def _last_line(error: BaseException) -> str:
    """The exception as the last line of a traceback has it; the answer's own classes go by their plain names."""
    try:
        line = traceback.format_exception_only(error)[-1]
    except BaseException:  # its __str__ is the answer's
        line = f"{type(error).__name__}\n"
    return line.removeprefix(f"{ANSWER}.")


def main() -> None:
    """Run the answer that the first message holds, then each statement as it comes, in one namespace."""
    channel, first = open_channel()
    if first is None:
        return
    sys.stdout = Printed()
    namespace: dict[str, Any] = {"__name__": "examples"}
    try:
        exec(compile(first["setup"], "<setup>", "exec", dont_inherit=True), namespace)  # noqa: S102
    except BaseException as error:
        channel.send({"setup_raised": type(error).__name__[:MESSAGE]})
        return
    answer = load_answer(channel, first["source"], first["names"])
    if answer is None:
        return
    namespace |= {name: answer.get(name) for name in first["names"]}
    while (request := channel.receive()) is not None:
        reply = _run(request["statement"], namespace)
        try:
            channel.send(reply)
        except ValueError:
            channel.send({"too_long": True})
