"""Run one answer against its tests. The code of the answer never runs in the process that decides the verdict.

With a `Suite` there are two isolated processes, and this process forwards messages between them. The answer's process
executes calls and never sees a test or an expected value. The tests' process compares values of plain types.

With `Examples` there is one isolated process: it runs the statements in the same interpreter as the answer, and this
process compares their output. The answer can read the statements but not the expected output, so the statements must
not reveal it (see `codetune.evaluation.execution.verification`).
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any, Literal, get_args

from codetune.evaluation.problems.suites import Example, Examples, Suite
from codetune.evaluation.sandbox.comparing import example_passes
from codetune.evaluation.sandbox.inside.wire import parse
from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.sandbox.process import Process

Outcome = Literal[
    "passed", "assertion", "exception", "timeout", "memory", "forbidden", "exited", "syntax", "missing", "unaskable"
]
"""Whether an answer passed, or why it failed; `unaskable` means that the tests cannot be run: they call no function of
the answer, or pass it a value that cannot be sent between processes."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_DETAIL = 200  # maximal characters of a detail, since the answer can control its text


@dataclass(frozen=True)
class TestResult:
    """The outcome of the tests of one answer, with a short explanation."""

    outcome: Outcome
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether all tests passed."""
        return self.outcome == "passed"


def run_against_tests(
    source: str, tests: Suite | Examples, isolation: Isolation, limits: Limits, hash_seed: int = 0
) -> TestResult:
    """Run an answer against its tests in the sandbox.

    :param source: the Python source of the answer.
    :param tests: tests that call its functions, or examples with expected output.
    :param isolation: how processes are isolated.
    :param limits: time and memory for the answer.
    :param hash_seed: the value of PYTHONHASHSEED in the sandbox; the order in which sets are printed depends on it.
    :returns: the outcome with a short explanation.
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


def _refused(answer: Process) -> TestResult | None:
    """Return why an answer cannot be tested; None when its source ran and defines all required functions."""
    ready = answer.receive()
    if ready is None:
        return _ended(answer)
    if "does_not_compile" in ready:
        return TestResult("syntax", _short(ready["does_not_compile"]))
    if "raised" in ready:
        return _raised(ready.get("name"))
    if "setup_raised" in ready:
        return TestResult("unaskable", _short(f"the set-up of the examples: {ready['setup_raised']}"))
    return TestResult("missing", _short(f"no function {ready['missing']}")) if ready.get("missing") else None


def _compared(process: Process, examples: tuple[Example, ...]) -> TestResult:
    """Run the statements one by one and compare their output, up to the first failure."""
    for example in examples:
        if example.skipped:
            continue
        process.send({"statement": example.source.rstrip("\n") + "\n"})
        line = process.receive_line()
        reply = parse(line)
        if "too_long" in (reply or {}):
            return TestResult("forbidden", "more output than is allowed")
        if reply is None or not isinstance(reply.get("printed"), str):
            return TestResult("forbidden", "an invalid reply") if line else _ended(process)
        if example.decides and not example_passes(example, reply):
            return _raised(reply.get("name")) if "raised" in reply else TestResult("assertion", _short(example.source))
    if any(example.decides and not example.skipped for example in examples):
        return TestResult("passed")
    return TestResult("unaskable", "no example decides")


def _judged(answer: Process, tester: Process) -> TestResult:
    """Forward calls and replies between the processes until the tests give a verdict or one process ends."""
    while (message := tester.receive()) is not None:
        if "call" not in message:
            return _verdict(message)
        answer.send(message)
        line = answer.receive_line()
        reply = parse(line)
        if reply is None:
            return TestResult("forbidden", "an invalid reply") if line else _ended(answer)
        if "not_plain" in reply:
            return TestResult("forbidden", _short(f"a value of type {reply['not_plain']}"))
        if "too_long" in reply:
            return TestResult("forbidden", "a value that is too long")
        tester.forward(line)
    # The tests' process ended without a verdict: it timed out or crashed on the values from the answer.
    status = tester.status()
    return TestResult("timeout" if tester.timed_out or status == -signal.SIGXCPU else "exception", "in the tests")


def _verdict(message: dict[str, Any]) -> TestResult:
    outcome, detail = message.get("verdict"), message.get("detail", "")
    if outcome == "exception":
        return _raised(detail)
    return TestResult(outcome, _short(detail)) if outcome in OUTCOMES else TestResult("exception", "in the tests")


def _raised(kind: Any) -> TestResult:
    return TestResult("memory") if kind == "MemoryError" else TestResult("exception", _short(kind))


def _short(detail: Any) -> str:
    """Cut a detail to its maximal length and replace what UTF-8 cannot encode, since the answer can control it."""
    return str(detail).strip()[:_DETAIL].encode(errors="replace").decode()


def _ended(answer: Process) -> TestResult:
    """Return why the answer's process ended."""
    status = answer.status()
    if answer.timed_out or status == -signal.SIGXCPU:
        return TestResult("timeout", "wall-clock limit" if answer.timed_out else "")
    if status == -signal.SIGKILL:
        return TestResult("timeout", "killed: it ignored the signal of the CPU limit, or killed itself")
    return TestResult("exited", f"status {status}" if status is not None else "it sent an invalid message")
