"""The process that runs example statements in the same interpreter as an answer.

Only printed text leaves the process, so values can be of any type. The process receives the statements one by one and
never sees the expected output: it is compared outside the sandbox.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

from codetune.evaluation.sandbox.inside.limits import open_channel
from codetune.evaluation.sandbox.inside.loading import ANSWER, MESSAGE, OutputBuffer, load_answer, raised


def _run(source: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Run a statement; return what it prints, including the value of an expression, and the exception it raises."""
    sys.stdout = printed = OutputBuffer()
    sys.displayhook = sys.__displayhook__
    reply = {}
    try:
        exec(compile(source, "<example>", "single", dont_inherit=True), namespace)  # noqa: S102
    except BaseException as error:  # an answer can also raise SystemExit or KeyboardInterrupt
        error.__traceback__ = None
        reply = raised(error) | {"last_line": _last_line(error)}
    finally:
        sys.stdout = sys.__stdout__
    return reply | {"printed": printed.getvalue()}


def _last_line(error: BaseException) -> str:
    """Return the last line of an exception's traceback; classes of the answer appear without a module name."""
    try:
        line = traceback.format_exception_only(error)[-1]
    except BaseException:  # the answer may define __str__ of the exception
        line = f"{type(error).__name__}\n"
    return line.removeprefix(f"{ANSWER}.")


def main() -> None:
    """Run set-up and answer from the first message, then one statement for each further message, in one namespace."""
    channel, first = open_channel()
    if first is None:
        return
    sys.stdout = OutputBuffer()
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
