from __future__ import annotations

from dataclasses import replace

import pytest

from codetune.compare.comparison import MetricDifference, Verdict
from codetune.compare.effects import effects
from codetune.evaluation.metrics.metric import Metric
from codetune.stats.families import pooled_spread
from tests.support.sample_project import Project

ROW = MetricDifference(Metric("m", "M"), 10.0, 14.0, 1.0, 7.0, Verdict.BETTER, p_value=0.01, detectable=3.0, spread=2.0)


def test_a_difference_in_units_of_its_spread() -> None:
    [found] = effects([ROW])
    assert (found.value, found.low, found.high, found.detectable) == (2.0, 0.5, 3.5, 1.5)


def test_where_smaller_is_better_the_picture_is_turned() -> None:
    [found] = effects([replace(ROW, metric=Metric("l", "L", larger_is_better=False), verdict=Verdict.WORSE)])
    assert (found.value, found.low, found.high, found.detectable) == (-2.0, -3.5, -0.5, 1.5)


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, verdict=Verdict.SAME),
        replace(ROW, verdict=Verdict.INCOMPARABLE),
        replace(ROW, low=None, high=None, verdict=Verdict.UNCERTAIN),
        replace(ROW, spread=0.0),
        replace(ROW, spread=None),
    ],
)
def test_what_has_no_place_on_the_axis_is_left_out(row: MetricDifference) -> None:
    assert effects([row]) == []


def test_the_spread_pools_both_sides() -> None:
    # Variances 1 and 4, by hand; Cohen's d takes the root of their mean.
    assert pooled_spread([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]) == pytest.approx(2.5**0.5)
    assert pooled_spread([1.0], [2.0]) is None


def test_every_metric_of_a_comparison_has_a_spread(sample: Project) -> None:
    rows = sample.compared("first", "readme").rows["tuned"]
    found = effects(rows)
    assert [effect.row.metric.key for effect in found] == [
        row.metric.key for row in rows if row.low is not None and row.verdict is not Verdict.SAME
    ]
    assert all(effect.low <= effect.value <= effect.high for effect in found)
    assert all((effect.value > 0) is effect.row.improves for effect in found)
