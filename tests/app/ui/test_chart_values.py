"""The tables below the plots: what a plot and its tooltips show, as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from codetune.app.ui.chart_values import (
    LABEL,
    f1_values,
    forest_values,
    learning_curve_values,
    package_values,
    parallel_values,
    scatter_values,
)
from codetune.app.ui.token_map import similarity_table
from codetune.compare.comparison import MetricDifference, Verdict
from codetune.compare.coordinates import Axis, AxisPoint, Point
from codetune.compare.quantities import Quantity
from codetune.evaluation.alignment.result import Alignment
from codetune.evaluation.metrics.metric import Metric
from codetune.history.listing import Kind, Revision
from codetune.history.reports import Curve, PromptScores, Reports
from tests.app.words import words
from tests.support.sample_project import Project

Open = Callable[..., AppTest]


def reports(*tuned: float, curves: tuple[Curve, ...] = ()) -> Reports:
    scores = {str(n): PromptScores("pkg", {"bertscore_f1": 0.5}, {"bertscore_f1": v}) for n, v in enumerate(tuned)}
    return Reports(Revision(Kind.COMMIT, "a", "a" * 40), scores=scores, curves=curves)


def test_curves_share_the_rows_of_their_steps() -> None:
    sides = [
        ("old", reports(curves=(Curve("train/loss", (1, 2), (3.0, 2.5)), Curve("train/rate", (1,), (0.1,))))),
        ("new", reports(curves=(Curve("val/loss", (2,), (2.25,)),))),
    ]
    found = learning_curve_values(sides, "loss")
    assert list(found.names) == [
        "Optimizer step", "old, train/loss: Loss (nats per token)", "new, val/loss: Loss (nats per token)"
    ]  # fmt: skip
    assert list(found.rows) == [["1", "3", ""], ["2", "2.5", "2.25"]]


def test_a_distribution_has_a_row_for_each_bin() -> None:
    found = f1_values([("old", reports(0.51, 0.52), "tuned"), ("new", reports(0.51, 0.66), "tuned")])
    assert list(found.names) == ["BERTScore F1", "old", "new"]
    assert list(found.rows) == [
        ["0.50 to 0.55", "100.0%", "50.0%"], ["0.55 to 0.60", "0.0%", "0.0%"], ["0.60 to 0.65", "0.0%", "0.0%"],
        ["0.65 to 0.70", "0.0%", "50.0%"],
    ]  # fmt: skip


def test_gains_have_their_intervals_and_prompts() -> None:
    [row] = package_values([("old", reports(0.6, 0.6)), ("new", reports(0.75, 0.75, 0.75))]).rows
    assert row == [
        "pkg", "+0.1000 (+0.1000 to +0.1000), 2 prompts", "+0.2500 (+0.2500 to +0.2500), 3 prompts"
    ]  # fmt: skip


def test_a_forest_plot_is_told_in_standard_deviations() -> None:
    less = Metric("l", "L", larger_is_better=False)
    row = MetricDifference(less, 10.0, 14.0, 1.0, 7.0, Verdict.WORSE, p_value=0.01, detectable=3.0, spread=2.0)
    assert list(forest_values([row]).rows) == [["L", "-2.000", "-3.500 to -0.500", "1.500", "worse"]]


def test_points_and_lines_are_rows_of_revisions() -> None:
    x, y = Quantity("a", "Rank"), Quantity("b", "Loss")
    point = Point("k", "lark", "A", 4, 0.5, None, (0.4, 0.6), "4", "0.5 (0.4 to 0.6)")
    assert list(scatter_values([point], x, y, ["k"]).rows) == [["lark", "4", "0.5 (0.4 to 0.6)", "A", "yes"]]
    places = [AxisPoint("k", "lark", "A", "Loss", 0.1, "2.5"), AxisPoint("k", "lark", "A", "Rank", 0.5, "4")]
    found = parallel_values([Axis("Rank", "2", "8"), Axis("Loss", "3", "2")], places, [])
    assert list(found.names) == ["Revision", "Rank", "Loss", "Measured as", "Selected"]
    assert list(found.rows) == [["lark", "4", "2.5", "A", ""]]


def test_every_similarity_of_two_tokens_is_in_the_table() -> None:
    found = Alignment(["a", "b"], ["x", "x"], [[0.5, 0.25], [1.0, 0.12345]], [True] * 2, [True] * 2, 1, 1, 1, "s")
    assert similarity_table(found) == {"Reference": ["1 a", "2 b"], "1 x": [0.5, 1.0], "2 x": [0.25, 0.123]}


@pytest.mark.parametrize("name", ["compare", "experiments"])
def test_each_plot_has_a_table_of_its_values(open_page: Open, sample: Project, name: str) -> None:
    page = open_page(sample.root, page=name)
    words(page)
    plots = page.get("vega_lite_chart")
    tables = [each for each in page.expander if each.label == LABEL]
    assert len(plots) == len(tables) > 1
    assert all(table.get("html") for table in tables)


def _column_helps(page: AppTest) -> list[str]:
    settings: list[dict[str, Any]] = [json.loads(each.proto.columns) for each in page.get("dataframe")]
    return [column["help"] for each in settings for column in each.values() if column.get("help")]


@pytest.mark.parametrize("name", ["experiments", "samples"])
def test_what_the_header_of_a_column_tells_is_also_text(open_page: Open, sample: Project, name: str) -> None:
    page = open_page(sample.root, page=name)
    helps = _column_helps(page)
    text = words(page).replace("<code>", "`").replace("</code>", "`")
    assert len(helps) > 3
    assert [told for told in helps if told not in text] == []
