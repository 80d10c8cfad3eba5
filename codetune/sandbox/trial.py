"""One answer before its tests: two isolated processes, and this one between them, which passes their messages on.

The answer's process is asked for calls and never sees a test or an expected value; the tests' process compares values
of plain types only, so that nothing of the answer's own making runs where the verdict is reached.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any, Literal, get_args

from codetune.sandbox.inside.wire import parse
from codetune.sandbox.isolation import Isolation
from codetune.sandbox.limits import Limits
from codetune.sandbox.process import Process

Outcome = Literal[
    "passed", "assertion", "exception", "timeout", "memory", "forbidden", "exited", "syntax", "missing", "unaskable"
]
"""Why an answer passed or failed; `unaskable` says that the tests cannot ask it: they call nothing, or pass to it what
does not cross between processes."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_DETAIL = 200  # characters of a detail, much of which an answer may have written


@dataclass(frozen=True)
class Suite:
    """What an answer is tried with.

    :param preamble: source that runs before the answer's functions are known to the tests.
    :param names: functions of the answer that the tests call.
    :param tests: source that raises unless the answer is right.
    """

    preamble: str
    names: tuple[str, ...]
    tests: str


@dataclass(frozen=True)
class Verdict:
    """What came of an answer, and a word on it."""

    outcome: Outcome
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether every test held."""
        return self.outcome == "passed"


def attempt(source: str, tests: Suite, isolation: Isolation, limits: Limits) -> Verdict:
    """Run the tests on an answer's source."""
    allowed = {"cpu_s": limits.cpu_s, "memory_mb": limits.memory_mb}
    names = list(tests.names)
    with Process(isolation, "answer", limits.wall_s) as answer:
        answer.send(allowed | {"source": source, "names": names})
        ready = answer.receive()
        if ready is None:
            return _ended(answer)
        if "does_not_compile" in ready:
            return Verdict("syntax", str(ready["does_not_compile"])[:_DETAIL])
        if "raised" in ready:
            return _raised(str(ready.get("name")))
        if missing := ready.get("missing"):
            return Verdict("missing", f"no function {missing}"[:_DETAIL])
        with Process(isolation, "tester", 2 * limits.wall_s) as tester:
            tester.send(allowed | {"preamble": tests.preamble, "names": names, "tests": tests.tests})
            return _judged(answer, tester)


def _judged(answer: Process, tester: Process) -> Verdict:
    """Pass calls and replies on until the tests have come to a verdict, or one of the two can go on no more."""
    while (message := tester.receive()) is not None:
        if "call" not in message:
            return _verdict(message)
        answer.send(message)
        line = answer.receive_line()
        reply = parse(line)
        if reply is None:
            return Verdict("forbidden", "a reply that is none") if line else _ended(answer)
        if "not_plain" in reply:
            return Verdict("forbidden", f"a value of type {reply['not_plain']}"[:_DETAIL])
        if "too_long" in reply:
            return Verdict("forbidden", "a value that is too long")
        tester.forward(line)
    # The tests took too long over what the answer gave them, or were not up to it.
    status = tester.status()
    return Verdict("timeout" if tester.timed_out or status == -signal.SIGXCPU else "exception", "in the tests")


def _verdict(message: dict[str, Any]) -> Verdict:
    outcome, detail = message.get("verdict"), str(message.get("detail", ""))
    if outcome == "exception":
        return _raised(detail)
    return Verdict(outcome, detail[:_DETAIL]) if outcome in OUTCOMES else Verdict("exception", "in the tests")


def _raised(kind: str) -> Verdict:
    return Verdict("memory") if kind == "MemoryError" else Verdict("exception", kind[:_DETAIL])


def _ended(answer: Process) -> Verdict:
    """Why the answer's process is gone."""
    status = answer.status()
    if answer.timed_out or status == -signal.SIGXCPU:
        return Verdict("timeout", "asleep" if answer.timed_out else "")
    if status == -signal.SIGKILL:
        return Verdict("timeout", "killed: it went on after the signal, or killed itself")
    return Verdict("exited", f"status {status}" if status is not None else "it sent what is no message")
