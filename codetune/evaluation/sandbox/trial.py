"""One answer before its tests; nothing of the answer's own making runs where the verdict is reached.

With a `Suite` there are two isolated processes, and this one between them, which passes their messages on. The
answer's process is asked for calls and never sees a test or an expected value; the tests' process compares values of
plain types.

With `Examples` there is one: statements run beside the answer, and what they print is compared here. The answer can
find out what is run, never what is expected; so examples must not give away what they print (see
`codetune.evaluation.execution.verification`).
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any, Literal, get_args

from codetune.evaluation.problems.suites import Example, Examples, Suite
from codetune.evaluation.sandbox.comparing import holds
from codetune.evaluation.sandbox.inside.wire import parse
from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.sandbox.process import Process

Outcome = Literal[
    "passed", "assertion", "exception", "timeout", "memory", "forbidden", "exited", "syntax", "missing", "unaskable"
]
"""Why an answer passed or failed; `unaskable` says that the tests cannot ask it: they call nothing, or pass to it what
does not cross between processes."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_DETAIL = 200  # characters of a detail, much of which an answer may have written


@dataclass(frozen=True)
class Verdict:
    """What came of an answer, and a word on it."""

    outcome: Outcome
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether every test held."""
        return self.outcome == "passed"


def attempt(source: str, tests: Suite | Examples, isolation: Isolation, limits: Limits, hash_seed: int = 0) -> Verdict:
    """Try an answer's source with tests.

    :param hash_seed: decides in which order sets are printed.
    """
    message = {"cpu_s": limits.cpu_s, "memory_mb": limits.memory_mb, "names": list(tests.names)}
    if isinstance(tests, Examples):
        with Process(isolation, "examples", limits.wall_s, hash_seed) as process:
            process.send(message | {"source": source, "setup": tests.setup})
            return _refused(process) or _compared(process, tests.examples)
    with Process(isolation, "answer", limits.wall_s, hash_seed) as answer:
        answer.send(message | {"source": source})
        if refused := _refused(answer):
            return refused
        with Process(isolation, "tester", 2 * limits.wall_s, hash_seed) as tester:
            tester.send(message | {"preamble": tests.preamble, "tests": tests.tests})
            return _judged(answer, tester)


def _refused(answer: Process) -> Verdict | None:
    """Why an answer cannot be tried; None where its source ran and defines what it must."""
    ready = answer.receive()
    if ready is None:
        return _ended(answer)
    if "does_not_compile" in ready:
        return Verdict("syntax", _short(ready["does_not_compile"]))
    if "raised" in ready:
        return _raised(ready.get("name"))
    if "setup_raised" in ready:
        return Verdict("unaskable", _short(f"the set-up of the examples: {ready['setup_raised']}"))
    return Verdict("missing", _short(f"no function {ready['missing']}")) if ready.get("missing") else None


def _compared(process: Process, examples: tuple[Example, ...]) -> Verdict:
    """Have the statements run one by one, and compare what they print, up to the first that fails."""
    for example in examples:
        if example.skipped:
            continue
        process.send({"statement": example.source.rstrip("\n") + "\n"})
        line = process.receive_line()
        reply = parse(line)
        if "too_long" in (reply or {}):
            return Verdict("forbidden", "more output than is allowed")
        if reply is None or not isinstance(reply.get("printed"), str):
            return Verdict("forbidden", "a reply that is none") if line else _ended(process)
        if example.decides and not holds(example, reply):
            return _raised(reply.get("name")) if "raised" in reply else Verdict("assertion", _short(example.source))
    if any(example.decides and not example.skipped for example in examples):
        return Verdict("passed")
    return Verdict("unaskable", "no example decides")


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
            return Verdict("forbidden", _short(f"a value of type {reply['not_plain']}"))
        if "too_long" in reply:
            return Verdict("forbidden", "a value that is too long")
        tester.forward(line)
    # The tests took too long over what the answer gave them, or were not up to it.
    status = tester.status()
    return Verdict("timeout" if tester.timed_out or status == -signal.SIGXCPU else "exception", "in the tests")


def _verdict(message: dict[str, Any]) -> Verdict:
    outcome, detail = message.get("verdict"), message.get("detail", "")
    if outcome == "exception":
        return _raised(detail)
    return Verdict(outcome, _short(detail)) if outcome in OUTCOMES else Verdict("exception", "in the tests")


def _raised(kind: Any) -> Verdict:
    return Verdict("memory") if kind == "MemoryError" else Verdict("exception", _short(kind))


def _short(detail: Any) -> str:
    """A detail as any file can hold it; an answer may have written it."""
    return str(detail).strip()[:_DETAIL].encode(errors="replace").decode()


def _ended(answer: Process) -> Verdict:
    """Why the answer's process is gone."""
    status = answer.status()
    if answer.timed_out or status == -signal.SIGXCPU:
        return Verdict("timeout", "asleep" if answer.timed_out else "")
    if status == -signal.SIGKILL:
        return Verdict("timeout", "killed: it went on after the signal, or killed itself")
    return Verdict("exited", f"status {status}" if status is not None else "it sent what is no message")
