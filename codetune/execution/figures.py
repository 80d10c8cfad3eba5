"""What came of the answers to a set of problems: the share that passes, its gain, and a line per answer."""

from __future__ import annotations

import math
from collections import Counter
from statistics import NormalDist

from codetune.execution.trials import Tried
from codetune.files import JsonObject
from codetune.problems.sets import HELD_OUT, ProblemSet
from codetune.sandbox.isolation import python_release
from codetune.sandbox.trial import Verdict
from codetune.scoring.params import ScoreParams
from codetune.scoring.samples import VARIANTS
from codetune.scoring.statistics import paired_gains

_DIGITS = 6


def figures(problems: ProblemSet, tried: dict[str, Tried], params: ScoreParams) -> JsonObject:
    """pass@1 and outcomes of each variant, the gain, and the problems won and lost.

    Nothing here tells how the answers were isolated, so that every machine reports the same.

    :param tried: one answer of each variant to each problem.
    """
    passed = {variant: _passed(tried[variant]) for variant in VARIANTS}
    base, tuned = (passed[variant] for variant in VARIANTS)
    report: JsonObject = {
        "digest": problems.digest,
        "python": python_release(),
        "problems": len(base),
        "unusable": {name: verdict.outcome for name, verdict in sorted(tried[VARIANTS[0]].unusable.items())},
    }
    if not base:
        return report
    for variant in VARIANTS:
        outcomes = Counter(found.outcome for [found] in tried[variant].verdicts.values())
        report[variant] = share(list(passed[variant].values()), params.confidence) | {
            "outcomes": dict(sorted(outcomes.items()))
        }
    [gain] = paired_gains([([*map(float, base.values())], [*map(float, tuned.values())])], params)
    return report | {
        "gain": gain,
        "won": [task for task in base if tuned[task] and not base[task]],
        "lost": [task for task in base if base[task] and not tuned[task]],
    }


def _passed(tried: Tried) -> dict[str, bool]:
    return {task: found.passed for task, [found] in tried.verdicts.items()}


def share(passed: list[bool], confidence: float) -> JsonObject:
    """The share of problems that are solved, with Wilson's interval (1927), which holds near 0 and 1 as well."""
    size, z = len(passed), NormalDist().inv_cdf(0.5 + confidence / 2)
    found = sum(passed) / size
    middle = (found + z**2 / (2 * size)) / (1 + z**2 / size)
    reach = z / (1 + z**2 / size) * math.sqrt(found * (1 - found) / size + z**2 / (4 * size**2))
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return {"pass@1": round(found, _DIGITS), "low": round(low, _DIGITS), "high": round(high, _DIGITS)}


def lines(problems: ProblemSet, tried: dict[str, Tried]) -> list[JsonObject]:
    """The verdict on each answer, with its reason; without the texts of a benchmark's tests."""
    return [
        {
            "set": problems.name, "task_id": task, "variant": variant,
            "outcome": found.outcome, "detail": _detail(problems, found),
        }
        for variant in VARIANTS
        for task, [found] in tried[variant].verdicts.items()
    ]  # fmt: skip


def _detail(problems: ProblemSet, verdict: Verdict) -> str:
    return "" if verdict.outcome == "assertion" and problems.name != HELD_OUT else verdict.detail
