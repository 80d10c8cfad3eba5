"""Report on the answers to a set of problems: the share that passes, its gain, and one row for each answer."""

from __future__ import annotations

from codetune.core.files import JsonObject
from codetune.evaluation.execution.trials import AnswerResults
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import VARIANTS
from codetune.evaluation.metrics.statistics import paired_gains
from codetune.evaluation.problems.sets import HELD_OUT, ProblemSet
from codetune.evaluation.sandbox.isolation import python_release
from codetune.evaluation.sandbox.trial import TestResult


def figures(problems: ProblemSet, tried: dict[str, AnswerResults], params: ScoreParams) -> JsonObject:
    """Compute pass@1 and outcomes of each variant, the gain, and which problems the tuned model won and lost.

    The kind of isolation is not part of the result, so that all machines report the same.

    :param problems: the set of problems.
    :param tried: the verdicts by variant, on one answer to each problem.
    :param params: confidence, bootstrap samples and seed.
    """
    reports = {variant: tried[variant].report([1], params.confidence) for variant in VARIANTS}
    base, tuned = (
        {task: float(found.passed) for task, [found] in tried[variant].verdicts.items()} for variant in VARIANTS
    )
    report: JsonObject = {
        "digest": problems.digest,
        "python": python_release(),
        "problems": len(base),
        "unusable": reports[VARIANTS[0]]["unusable"],
    }
    if not base:
        return report
    for variant in VARIANTS:
        report[variant] = {key: reports[variant][key] for key in ("pass@1", "interval", "outcomes")}
    [report["gain"]] = paired_gains([([*base.values()], [*tuned.values()])], params)
    return report | {
        "won": [task for task in base if tuned[task] > base[task]],
        "lost": [task for task in base if tuned[task] < base[task]],
    }


def lines(problems: ProblemSet, tried: dict[str, AnswerResults]) -> list[JsonObject]:
    """Return one row with outcome and detail for each answer; texts of a benchmark's tests are left out.

    :param problems: the set of problems.
    :param tried: the verdicts by variant, on one answer to each problem.
    """
    return [
        {
            "set": problems.name, "task_id": task, "variant": variant,
            "outcome": found.outcome, "detail": _detail(problems, found),
        }
        for variant in VARIANTS
        for task, [found] in tried[variant].verdicts.items()
    ]  # fmt: skip


def _detail(problems: ProblemSet, verdict: TestResult) -> str:
    return "" if verdict.outcome == "assertion" and problems.name != HELD_OUT else verdict.detail
