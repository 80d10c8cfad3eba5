"""Test runs of all answers to all problems in the sandbox, and pass@k."""

from __future__ import annotations

import ast
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from codetune.core.progress import track
from codetune.core.workers import cores
from codetune.evaluation.problems.reading import Problem
from codetune.evaluation.problems.suites import Suite
from codetune.evaluation.sandbox.isolation import Isolation
from codetune.evaluation.sandbox.limits import Limits
from codetune.evaluation.sandbox.trial import TestResult, run_against_tests
from codetune.python_source.standard_library import STANDARD_LIBRARY
from codetune.python_source.tree import parse_or_none
from codetune.stats.intervals import wilson_interval


def pass_at_k(answers: int, correct: int, k: int) -> float:
    """Return an unbiased estimate of the probability that at least one of `k` answers passes.

    Chen et al., "Evaluating Large Language Models Trained on Code" (2021), section 2.1: 1 - C(n - c, k) / C(n, k).

    :param answers: the number n of tested answers, at least `k`.
    :param correct: the number c of them that passed.
    :param k: the k of pass@k.
    :raises ValueError: when the numbers do not fit together.
    """
    if not 0 < k <= answers or not 0 <= correct <= answers:
        raise ValueError(f"pass@{k} is not defined for {correct} correct ones of {answers} answers")
    return 1.0 - math.comb(answers - correct, k) / math.comb(answers, k)


def mean_pass_at_k(counts: Sequence[tuple[int, int]], k: int) -> float | None:
    """Return the mean of `pass_at_k` over problems.

    :param counts: for each problem the numbers of answers and of correct answers.
    :param k: the k of pass@k.
    :returns: the mean; None if there are no problems or one has fewer than `k` answers.
    """
    if not counts or any(answers < k for answers, _ in counts):
        return None
    return math.fsum(pass_at_k(answers, correct, k) for answers, correct in counts) / len(counts)


def _interval(right: int, problems: int, confidence: float) -> dict[str, float]:
    low, high = wilson_interval(right, problems, confidence)
    return {"low": round(low, 4), "high": round(high, 4)}


@dataclass(frozen=True)
class AnswerResults:
    """Verdicts on the answers to problems.

    :param isolation: the name of the isolation in use.
    :param verdicts: by id of the problem, in the order of its answers; problems whose own reference fails are left out.
    :param unusable: the verdict on the reference of each problem whose reference fails, by id.
    :param needed: the modules that such a problem imports and the sandbox lacks, by id, if there are any.
    """

    isolation: str
    verdicts: dict[str, list[TestResult]]
    unusable: dict[str, TestResult]
    needed: dict[str, list[str]] = field(default_factory=dict)

    def counts(self) -> list[tuple[int, int]]:
        """Return the numbers of answers and of correct answers of each problem that has answers."""
        return [(len(found), sum(one.passed for one in found)) for found in self.verdicts.values() if found]

    def only(self, place: int) -> AnswerResults:
        """Return the verdicts on one answer to each problem.

        :param place: the place of the answer among the answers to its problem.
        """
        return replace(self, verdicts={name: [found[place]] for name, found in self.verdicts.items()})

    def report(self, ks: Iterable[int], confidence: float = 0.95) -> dict[str, Any]:
        """Return the report: numbers of answers by outcome, pass@k over the answered problems, and the isolation.

        If every answered problem has exactly one answer, the report also has the interval of the share that passes.

        :param ks: the values of k.
        :param confidence: the confidence level of the interval.
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


def run_answers(
    problems: list[Problem], answers: dict[str, list[str]], isolation: Isolation, limits: Limits
) -> AnswerResults:
    """Test the references of all problems, then all answers to the problems whose reference passes.

    Equal answers to the same problem are tested once.

    :param problems: the problems.
    :param answers: the answers by id of the problem, as models give them.
    :param isolation: how processes are isolated.
    :param limits: time and memory for each answer.
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
    return AnswerResults(
        isolation.name,
        {each.id: [found[each, each.source(answer)] for answer in answers.get(each.id, ())] for each in usable},
        unusable,
        {name: modules for name, modules in needed.items() if modules},
    )


def missing_modules(problem: Problem, present: frozenset[str]) -> list[str]:
    """Return the modules that a problem's reference or tests import and that the sandbox lacks.

    :param problem: the problem.
    :param present: modules that the sandbox has in addition to the standard library.
    """
    tests = problem.tests
    sources = [problem.reference, *((tests.preamble, tests.tests) if isinstance(tests, Suite) else (tests.setup,))]
    trees = [tree for source in sources if (tree := parse_or_none(source))]
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return sorted(found - STANDARD_LIBRARY - sys.stdlib_module_names - present)


def verdicts(sources: list[tuple[Problem, str]], isolation: Isolation, limits: Limits) -> list[TestResult]:
    """Run complete sources against the tests of their problems in parallel, and show the progress.

    :param sources: pairs of a problem and a complete source.
    :param isolation: how processes are isolated.
    :param limits: time and memory for each source.
    :returns: the verdicts, in the order of `sources`.
    """
    with ThreadPoolExecutor(cores()) as pool:  # threads suffice: they only wait for the sandbox processes
        found = pool.map(lambda each: run_against_tests(each[1], each[0].tests, isolation, limits), sources)
        return list(track(found, len(sources), "answers tested"))
