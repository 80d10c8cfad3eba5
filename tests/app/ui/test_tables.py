from __future__ import annotations

import re
from dataclasses import replace

import pytest

from codetune.app.ui.experiment_table import _settings
from codetune.app.ui.forest import forest
from codetune.app.ui.sample_table import _column
from codetune.app.ui.tables import flip_table, meaning_table, metric_table, parameter_table, verdict_mark
from codetune.compare.comparison import MetricDifference, Verdict
from codetune.compare.quantities import Quantity
from codetune.evaluation.metrics.metric import Metric
from codetune.history.listing import Kind, Revision
from codetune.history.parameters import ParameterDifference
from codetune.history.reports import Reports

REPORTS = Reports(Revision(Kind.COMMIT, "a", "a" * 40), params={"score": {"confidence": 0.9}})
LARGER, SMALLER = Metric("m", "M"), Metric("l", "L", larger_is_better=False)


def row(verdict: Verdict, metric: Metric = LARGER, before: float = 1.0, after: float = 1.5) -> MetricDifference:
    interval = (None, None) if verdict is Verdict.UNCERTAIN else (0.25, 0.75)
    return MetricDifference(metric, before, after, *interval, verdict)


@pytest.mark.parametrize(
    ("difference", "mark", "tone"),
    [
        (row(Verdict.BETTER), "\u25b2 better", "better"),
        (row(Verdict.WORSE), "\u25bc worse", "worse"),
        (row(Verdict.INDISTINGUISHABLE), "\u25cb indistinguishable", "quiet"),
        (row(Verdict.SAME), "= the same", "quiet"),
        (row(Verdict.INCOMPARABLE), "\u2715 not comparable", "quiet"),
        (row(Verdict.UNCERTAIN), "\u25b3 better, no interval", "quiet"),
        (row(Verdict.UNCERTAIN, SMALLER), "\u25bd worse, no interval", "quiet"),
        (row(Verdict.UNCERTAIN, after=1.0), "\u2013", "quiet"),
    ],
)
def test_each_verdict_has_a_sign_and_a_word(difference: MetricDifference, mark: str, tone: str) -> None:
    assert verdict_mark(difference) == (mark, tone)


@pytest.mark.parametrize(("metric", "dot"), [(LARGER, "80.7"), (SMALLER, "19.3")])
def test_better_is_always_right_of_the_line(metric: Metric, dot: str) -> None:
    # 0.5 of a reach of 0.75, in 46 % of the width on either side of the middle: 50 ± 46 * 2 / 3.
    html = metric_table([row(Verdict.BETTER, metric)], REPORTS, "old", "new")
    assert re.search(r'<b style="left:([\d.]+)%', html)[1] == dot


@pytest.mark.parametrize(
    ("low", "p_value", "family", "told"),
    [
        (0.25, 0.2, 9, '<span class="why">p is above 0.1 after correction for 9 metrics</span>'),
        (0.25, 0.2, 1, '<span class="why">p is above 0.1</span>'),
        (-0.25, 0.2, 9, ""),
        (-0.25, 0.01, 9, '<span class="why">the interval contains 0</span>'),
    ],
)
def test_where_interval_and_p_disagree_the_reason_stands_under_the_verdict(
    low: float, p_value: float, family: int, told: str
) -> None:
    found = replace(row(Verdict.INDISTINGUISHABLE), low=low, p_value=p_value, family=family)
    html = metric_table([found], REPORTS, "old", "new")
    assert f"<div>\u25cb indistinguishable{told}</div>" in html
    assert f"<div>{p_value:.4f}</div>" in html


def test_tooltips_are_also_text() -> None:
    told = meaning_table([row(Verdict.BETTER, Metric("m", "M", "How <b> it is."))], REPORTS)
    assert "How &lt;b&gt; it is." in told
    assert "corrected for all metrics" in told


def test_all_that_comes_from_outside_is_escaped() -> None:
    bad = '<img src=x onerror="alert(1)">'
    metric = Metric("m", bad, bad, note=bad)
    html = metric_table([row(Verdict.BETTER, metric)], REPORTS, bad, bad)
    html += flip_table([(bad, "won", bad)])
    html += parameter_table([ParameterDifference(bad, bad, bad)], bad, bad)
    assert "<img" not in html
    assert 'onerror="' not in html


def test_every_cell_names_its_column_for_narrow_screens() -> None:
    html = metric_table([row(Verdict.BETTER)], REPORTS, "old", "new")
    labels = re.findall(r'data-label="([^"]*)"', html)
    heads = re.findall(r'<th role="columnheader" scope="col"[^>]*>([^<]*)</th>', html)
    assert labels == heads[1:]
    assert "90\u202f% interval" in heads


def test_every_part_of_a_table_has_its_role() -> None:
    """Narrow screens lay the parts out as a list; in some browsers, a part without an explicit role loses it there."""
    html = metric_table([row(Verdict.BETTER)], REPORTS, "old", "new")
    parts = re.findall("<(table|thead|tbody|tr|th|td)( role=)?", html)
    assert {name for name, _ in parts} == {"table", "thead", "tbody", "tr", "th", "td"}
    assert all(role for _, role in parts)


def test_evidence_on_a_metric_is_told_with_it() -> None:
    share = {"mean": 0.62, "low": 0.571, "high": 0.668}
    reports = Reports(REPORTS.revision, validity={"metrics": {"m_score": {"all": share}}})
    asked, other = Metric("m", "M", "What it is.", score="m_score"), Metric("l", "L", "What it is.")
    html = metric_table([row(Verdict.BETTER, asked), row(Verdict.BETTER, other)], reports, "old", "new")
    assert 'title="What it is. Of a working and a broken variant' in html
    assert "in 62 % of pairs (57 to 67; chance: 50)" in html
    assert html.count("chance: 50") == 1


def test_worth_of_a_metric_is_a_column_where_it_is_known() -> None:
    area = {"mean": 0.614, "low": 0.55, "high": 0.666}
    metric, other = Metric("m", "M", score="m", signature="s"), Metric("l", "L", score="l")
    asked = {"metrics": {"m": area}, "signatures": {"s": "layer:6"}}
    reports = Reports(REPORTS.revision, answer_validity=asked, signatures={"s": "layer:6"})
    html = metric_table([row(Verdict.BETTER, metric), row(Verdict.BETTER, other)], reports, "old", "new")
    assert "0.61 (0.55 to 0.67)" in html
    told = "AUC of passing against failing answers to the same problem: 0.61 (0.55 to 0.67); chance: 0.5."
    assert [_settings(Quantity("m", "M", each), reports).get("help") for each in (metric, other)] == [
        f"{told} Larger is better.", "Larger is better."
    ]  # fmt: skip
    assert str(_column(reports, metric)["help"]).endswith(told)
    labels = re.findall(r'data-label="([^"]*)"', html)
    assert labels == re.findall(r'<th role="columnheader" scope="col"[^>]*>([^<]*)</th>', html)[1:] * 2
    assert labels[-1] == "AUC of passing"
    changed = Reports(REPORTS.revision, answer_validity=asked, signatures={"s": "layer:5"})
    for silent in (changed, REPORTS):
        assert "AUC" not in metric_table([row(Verdict.BETTER, metric)], silent, "old", "new")


def test_worth_of_a_metric_is_told_in_the_forest_plot() -> None:
    metric, other = Metric("m", "M", score="m"), Metric("l", "L", score="l")
    rows = [replace(row(Verdict.BETTER, each), spread=1.0) for each in (metric, other)]
    reports = Reports(REPORTS.revision, answer_validity={"metrics": {"m": {"mean": 0.614, "low": 0.55, "high": 0.666}}})
    drawn = forest(rows, reports).to_json()
    assert '"AUC of passing"' in drawn
    assert re.findall(r'"area": "(.*)"', drawn)[:2] == ["0.61 (0.55 to 0.67)", ""]
    assert "AUC" not in forest(rows, REPORTS).to_json()


def test_the_axis_of_the_forest_plot_fits_a_narrow_screen() -> None:
    drawn = forest([replace(row(Verdict.BETTER), spread=1.0)], REPORTS).to_dict()
    [title] = [layer["encoding"]["x"]["title"] for layer in drawn["layer"] if "title" in layer["encoding"]["x"]]
    assert len(title) == 2
    assert all(len(line) < 45 for line in title)


def test_evidence_on_a_metric_that_was_set_up_differently_is_not_told() -> None:
    validity = {"metrics": {"m": {"all": {"mean": 0.6, "low": 0.5, "high": 0.7}}}, "signatures": {"s": "layer:5"}}
    metric = Metric("m", "M", score="m", signature="s")
    for layer, told in (("layer:5", 1), ("layer:6", 0)):
        reports = Reports(REPORTS.revision, validity=validity, signatures={"s": layer})
        assert metric_table([row(Verdict.BETTER, metric)], reports, "old", "new").count("chance: 50") == told
