"""All answers to all problems, tried in the sandbox."""

from __future__ import annotations

import ast
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from codetune.core.progress import track
from codetune.core.workers import cores
from codetune.evaluation.problems.reading import Problem
from codetune.evaluation.problems.suites import Suite
from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.sandbox.trial import Verdict, attempt
from codetune.python_source.standard_library import STANDARD_LIBRARY
from codetune.python_source.tree import parsed
from codetune.stats.intervals import wilson_interval


def pass_at_k(answers: int, correct: int, k: int) -> float:
    """The chance that one of `k` answers is right, estimated without bias from more of them.

    Chen et al., "Evaluating Large Language Models Trained on Code" (2021), section 2.1: 1 - C(n - c, k) / C(n, k).

    :param answers: answers that were tried, at least `k`.
    :param correct: those of them that are right.
    """
    if not 0 < k <= answers or not 0 <= correct <= answers:
        raise ValueError(f"pass@{k} is not defined for {correct} right ones of {answers} answers")
    return 1.0 - math.comb(answers - correct, k) / math.comb(answers, k)


def mean_pass_at_k(counts: Sequence[tuple[int, int]], k: int) -> float | None:
    """`pass_at_k` over problems, each with its answers and the right ones; None where a problem has too few answers."""
    if not counts or any(answers < k for answers, _ in counts):
        return None
    return math.fsum(pass_at_k(answers, correct, k) for answers, correct in counts) / len(counts)


def _interval(right: int, problems: int, confidence: float) -> dict[str, float]:
    low, high = wilson_interval(right, problems, confidence)
    return {"low": round(low, 4), "high": round(high, 4)}


@dataclass(frozen=True)
class Tried:
    """Verdicts on the answers to problems.

    :param verdicts: by problem, in the order of its answers; problems whose own reference fails are not there.
    :param unusable: what came of the reference of each of those.
    :param needed: the modules that each of those imports and the sandbox does not have, where there are such.
    """

    isolation: str
    verdicts: dict[str, list[Verdict]]
    unusable: dict[str, Verdict]
    needed: dict[str, list[str]] = field(default_factory=dict)

    def counts(self) -> list[tuple[int, int]]:
        """Answers and right answers of each problem that has answers."""
        return [(len(found), sum(one.passed for one in found)) for found in self.verdicts.values() if found]

    def report(self, ks: Iterable[int], confidence: float = 0.95) -> dict[str, Any]:
        """Figures: answers by outcome, pass@k over the problems that were answered, and the isolation in use.

        With one answer to each problem also the interval of the share that is right.
        """
        outcomes = Counter(verdict.outcome for found in self.verdicts.values() for verdict in found)
        counts = self.counts()
        passing = {f"pass@{k}": mean_pass_at_k(counts, k) for k in ks}
        single = bool(counts) and all(answers == 1 for answers, _ in counts)
        return {
            "isolation": self.isolation,
            "problems": len(counts),
            "unanswered": sum(not found for found in self.verdicts.values()),
            "answers": sum(outcomes.values()),
            **{name: None if value is None else round(value, 4) for name, value in passing.items()},
            **({"interval": _interval(sum(right for _, right in counts), len(counts), confidence)} if single else {}),
            "outcomes": dict(sorted(outcomes.items())),
            "unusable": {name: verdict.outcome for name, verdict in sorted(self.unusable.items())},
            **({"needed": dict(sorted(self.needed.items()))} if self.needed else {}),
        }


def try_answers(problems: list[Problem], answers: dict[str, list[str]], isolation: Isolation, limits: Limits) -> Tried:
    """The verdict on every answer; the same answer to the same problem is tried once.

    :param answers: by the id of the problem, without what the problem begins with.
    """
    references = dict(
        zip(problems, verdicts([(each, each.reference) for each in problems], isolation, limits), strict=True)
    )
    usable = [problem for problem, verdict in references.items() if verdict.passed]
    asked = list(dict.fromkeys((each, each.source(answer)) for each in usable for answer in answers.get(each.id, ())))
    found = dict(zip(asked, verdicts(asked, isolation, limits), strict=True))
    unusable = {problem.id: verdict for problem, verdict in references.items() if not verdict.passed}
    present = frozenset(path.name.partition(".")[0] for path in isolation.packages)
    needed = {each.id: missing_modules(each, present) for each in problems if each.id in unusable}
    return Tried(
        isolation.name,
        {each.id: [found[each, each.source(answer)] for answer in answers.get(each.id, ())] for each in usable},
        unusable,
        {name: modules for name, modules in needed.items() if modules},
    )


def missing_modules(problem: Problem, present: frozenset[str]) -> list[str]:
    """The modules that a problem's reference or tests import and that are neither in `present` nor standard."""
    tests = problem.tests
    sources = [problem.reference, *((tests.preamble, tests.tests) if isinstance(tests, Suite) else (tests.setup,))]
    trees = [tree for source in sources if (tree := parsed(source))]
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return sorted(found - STANDARD_LIBRARY - sys.stdlib_module_names - present)


def verdicts(sources: list[tuple[Problem, str]], isolation: Isolation, limits: Limits) -> list[Verdict]:
    """The verdict on each whole source before the tests of its problem."""
    with ThreadPoolExecutor(cores()) as pool:  # the work is done by the processes that the threads wait for
        found = pool.map(lambda each: attempt(each[1], each[0].tests, isolation, limits), sources)
        return list(track(found, len(sources), "answers tried"))
