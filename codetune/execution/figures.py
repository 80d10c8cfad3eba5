"""What came of all answers to a set of problems: figures of both models, their difference, and a line per answer."""

from __future__ import annotations

from typing import Any

from codetune.execution.suites import ProblemSet
from codetune.execution.trials import Tried
from codetune.files import JsonObject
from codetune.sandbox.isolation import python_release
from codetune.scoring.params import ScoreParams
from codetune.scoring.samples import VARIANTS
from codetune.scoring.statistics import paired_gains

TriedByVariant = dict[str, Tried]


def figures(problems: ProblemSet, tried: TriedByVariant, ks: list[int], params: ScoreParams) -> dict[str, Any]:
    """pass@k and outcomes of each variant, and the gain in the share of right answers, problem by problem."""
    report: dict[str, Any] = {variant: tried[variant].report(ks) for variant in VARIANTS}
    shares = [[right / answers for answers, right in tried[variant].counts()] for variant in VARIANTS]
    if shares[0]:
        [report["gain"]] = paired_gains([(shares[0], shares[1])], params)
    for variant in VARIANTS:
        report["isolation"] = report[variant].pop("isolation")
        report["unusable"] = report[variant].pop("unusable")
        del report[variant]["unanswered"]
    return report | {"digest": problems.digest, "python": python_release()}


def lines(problems: ProblemSet, tried: TriedByVariant, answers: dict[str, dict[str, list[str]]]) -> list[JsonObject]:
    """The verdict on each answer, with its reason and its text.

    :param answers: by variant and problem, in the order of the verdicts.
    """
    return [
        {
            "set": problems.name, "task_id": task, "variant": variant, "sample": number,
            "outcome": verdict.outcome, "detail": verdict.detail, "answer": answers[variant][task][number],
        }
        for variant in VARIANTS
        for task, verdicts in tried[variant].verdicts.items()
        for number, verdict in enumerate(verdicts)
    ]  # fmt: skip
