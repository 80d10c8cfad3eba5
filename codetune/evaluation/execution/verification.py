"""Which held-out problems can be believed: the list in data/problems.jsonl, made anew in the sandbox.

A problem is listed when its reference passes its examples each time that it is tried, with other hashes and at other
places in memory (a set of two strings is printed in the same order half of the time), and no answer passes that does
nothing: neither one that returns a constant nor one whose value is equal to everything. So an
example that gives away what it must print (`f(2) == 4`) is not all that decides.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count

from codetune.core.progress import track
from codetune.evaluation.problems.reading import Problem
from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.sandbox.trial import attempt

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
    """The problems that can be believed, and how many cannot, by reason."""

    verified: list[Problem]
    refused: dict[str, int]


def verify(problems: list[Problem], isolation: Isolation, limits: Limits) -> Verification:
    """Try the reference of every problem several times, and answers that do nothing.

    Reasons: `reference_` and the outcome, where the reference fails; `unstable`, where it fails some of the times;
    `passed_by_doing_nothing`.
    """
    with ThreadPoolExecutor(cpu_count()) as pool:
        reasons = track(
            pool.map(lambda problem: _reason(problem, isolation, limits), problems), len(problems), "problems verified"
        )
        judged = list(zip(problems, reasons, strict=True))
    refused = Counter(reason for _, reason in judged if reason)
    return Verification([problem for problem, reason in judged if not reason], dict(sorted(refused.items())))


def _reason(problem: Problem, isolation: Isolation, limits: Limits) -> str:
    """Why a problem cannot be believed; empty where it can."""
    found = [attempt(problem.reference, problem.tests, isolation, limits, seed).outcome for seed in _HASH_SEEDS]
    failed = [outcome for outcome in found if outcome != "passed"]
    if failed:
        return "unstable" if "passed" in found else f"reference_{failed[0]}"
    idle = (attempt(source, problem.tests, isolation, limits) for source in idle_answers(problem.tests.names))
    return "passed_by_doing_nothing" if any(verdict.passed for verdict in idle) else ""


def idle_answers(names: tuple[str, ...]) -> list[str]:
    """Sources that define functions of these names which do nothing of what is asked."""
    plain = ["\n".join(f"def {name}(*arguments, **_): {body}" for name in names) for body in _IDLE_BODIES]
    return [*plain, _ANYTHING + "\n".join(f"def {name}(*_, **__): return _Anything()" for name in names)]
