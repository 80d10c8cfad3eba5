"""The differences of all metrics on one scale, for a forest plot."""

from __future__ import annotations

from dataclasses import dataclass

from codetune.compare.comparison import MetricDifference, Verdict


@dataclass(frozen=True)
class Effect:
    """One metric's difference in units of the spread of its own scores (a standardised mean difference).

    All values are turned so that above 0 the candidate is better, whichever way the metric goes.

    :param low: lower end of the interval, `high` its upper end.
    :param detectable: the smallest difference that the prompts would have shown in four of five cases, in these units.
    """

    row: MetricDifference
    value: float
    low: float
    high: float
    detectable: float | None


def effects(rows: list[MetricDifference]) -> list[Effect]:
    """The metrics that have an interval and differ at all, in the order of `rows`.

    Left out are those whose scores are the same for all prompts of either model: they have no spread to measure by.
    """
    found = []
    for row in rows:
        if row.low is None or row.high is None or row.difference is None or row.verdict is Verdict.SAME:
            continue
        if not row.spread:
            continue
        sign = 1.0 if row.metric.larger_is_better else -1.0
        low, high = sorted(sign * end / row.spread for end in (row.low, row.high))
        detectable = None if row.detectable is None else row.detectable / row.spread
        found.append(Effect(row, sign * row.difference / row.spread, low, high, detectable))
    return found
