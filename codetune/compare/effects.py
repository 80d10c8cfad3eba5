"""The differences of all metrics on one scale, for a forest plot."""

from __future__ import annotations

from dataclasses import dataclass

from codetune.compare.comparison import MetricDifference, Verdict


@dataclass(frozen=True)
class Effect:
    """The difference of one metric in standard deviations of its scores (a standardised mean difference).

    A value above 0 means that the candidate is better, also for metrics of which smaller values are better.

    :param row: the difference in units of the metric.
    :param low: lower end of the interval.
    :param high: upper end of the interval.
    :param detectable: smallest true difference that these prompts detect with a power of 80 %, in the same units.
    """

    row: MetricDifference
    value: float
    low: float
    high: float
    detectable: float | None


def effects(rows: list[MetricDifference]) -> list[Effect]:
    """Standardise the differences of the metrics that have an interval and differ, in the order of `rows`.

    Metrics with the same score for all prompts are left out: their standard deviation is zero.
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
