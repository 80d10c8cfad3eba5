"""Verification of held-out problems in the sandbox: it decides which problems data/problems.jsonl lists.

A problem is listed if both conditions hold:

- Its reference passes its examples in several runs with different hash seeds and memory addresses. (A set of two
  strings is printed in the same order in half of the runs, so one run is not enough.)
- No trivial answer passes: not one that returns a constant, and not one whose value is equal to everything. This
  excludes problems that only have examples that reveal their output, such as `f(2) == 4`.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from codetune.core.progress import track
from codetune.core.workers import cores
from codetune.evaluation.problems.reading import Problem
from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.sandbox.trial import run_against_tests

_HASH_SEEDS = (0, 1, 2, 3, 4)
_ANYTHING = """
class _Anything:
    def _itself(self, *_, **__): return self
    def _yes(self, *_): return True
    def __iter__(self): return iter(())
    __call__ = __getattr__ = __getitem__ = __add__ = __sub__ = __mul__ = __enter__ = __next__ = _itself
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = __instancecheck__ = _yes
    def __exit__(self, *_): return False
    def __len__(self): return 0
    def __hash__(self): return 0
"""
_IDLE_BODIES = (
    "return None",
    "return True",
    "return False",
    "return 0",
    "return ''",
    "return []",
    "return arguments[0]",
)


@dataclass(frozen=True)
class Verification:
    """The result of verification.

    :param verified: the problems that are reliable.
    :param refused: the number of other problems, by reason.
    """

    verified: list[Problem]
    refused: dict[str, int]


def verify(problems: list[Problem], isolation: Isolation, limits: Limits) -> Verification:
    """Run the reference of every problem several times, then trivial answers.

    :param problems: the held-out problems.
    :param isolation: how processes are isolated.
    :param limits: time and memory for each run.
    :returns: the verified problems, and counts of the others by reason: `reference_` and the outcome if the reference
        always fails; `unstable` if it fails in some runs; `passed_by_doing_nothing` if a trivial answer passes.
    """
    with ThreadPoolExecutor(cores()) as pool:
        reasons = track(
            pool.map(lambda problem: _reason(problem, isolation, limits), problems), len(problems), "problems verified"
        )
        judged = list(zip(problems, reasons, strict=True))
    refused = Counter(reason for _, reason in judged if reason)
    return Verification([problem for problem, reason in judged if not reason], dict(sorted(refused.items())))


def _reason(problem: Problem, isolation: Isolation, limits: Limits) -> str:
    """Return why a problem is refused; empty if it is verified."""
    found = [
        run_against_tests(problem.reference, problem.tests, isolation, limits, seed).outcome for seed in _HASH_SEEDS
    ]
    failed = [outcome for outcome in found if outcome != "passed"]
    if failed:
        return "unstable" if "passed" in found else f"reference_{failed[0]}"
    idle = (
        run_against_tests(source, problem.tests, isolation, limits) for source in trivial_answers(problem.tests.names)
    )
    return "passed_by_doing_nothing" if any(verdict.passed for verdict in idle) else ""


def trivial_answers(names: tuple[str, ...]) -> list[str]:
    """Return the sources of trivial answers, which do not solve any task.

    :param names: the functions that each source defines.
    """
    plain = ["\n".join(f"def {name}(*arguments, **_): {body}" for name in names) for body in _IDLE_BODIES]
    return [*plain, _ANYTHING + "\n".join(f"def {name}(*_, **__): return _Anything()" for name in names)]
