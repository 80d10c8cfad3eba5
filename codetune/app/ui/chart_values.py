"""Draw a chart with its values as a table below it: the table has what the chart and its tooltips show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from codetune.app.ui import html
from codetune.app.ui.charts import NamedModel, measure_label
from codetune.compare.comparison import MetricDifference
from codetune.compare.coordinates import Axis, AxisPoint, Point
from codetune.compare.effects import effects
from codetune.compare.groups import gain_by_package, histogram
from codetune.compare.quantities import Quantity
from codetune.evaluation.metrics.registry import F1
from codetune.history.reports import Curve, Reports
from codetune.stats.families import GroupGain

LABEL = "The values of this plot"


@dataclass(frozen=True)
class ValueTable:
    """What a chart shows, as texts.

    :param names: the titles of the columns.
    :param rows: the cells of each row.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[str]]


def show_chart(chart: Any, values: ValueTable, *, alt: str, height: int) -> None:
    """Draw a chart, and below it a closed section with its values.

    :param alt: the name of the chart.
    :param height: the height of the chart in pixels.
    """
    st.altair_chart(chart, width="stretch", height=height, alt=alt)
    with st.expander(LABEL, icon=":material/table:"):
        st.html(html.table(values.names, [[escape(cell) for cell in row] for row in values.rows]))


def curve_values(curves: Sequence[tuple[str, Curve]]) -> ValueTable:
    """Return learning curves as a table with one row for each step and one column for each curve.

    :param curves: the curves by the titles of their columns.
    """
    found = [(title, dict(zip(curve.steps, curve.values, strict=True))) for title, curve in curves]
    steps = sorted({step for _, values in found for step in values})
    rows = [[f"{step:,}", *(f"{values[step]:.4g}" if step in values else "" for _, values in found)] for step in steps]
    return ValueTable(["Optimizer step", *(title for title, _ in found)], rows)


def learning_curve_values(sides: Sequence[tuple[str, Reports]], measure: str) -> ValueTable:
    """Return what `charts.learning_curve` plots.

    :param sides: name and reports of each revision.
    """
    label = measure_label(measure)
    return curve_values([
        (f"{name}, {curve.name}: {label}", curve)
        for name, reports in sides
        for curve in reports.curves
        if curve.name.rpartition("/")[2] == measure
    ])  # fmt: skip


def f1_values(models: Sequence[NamedModel]) -> ValueTable:
    """Return what `charts.f1_distribution` plots: the share of the prompts in each bin, for each model."""
    bins = [{part.start: part for part in histogram(reports, role, str(F1.score))} for _, reports, role in models]
    edges = sorted({(part.start, part.end) for each in bins for part in each.values()})
    rows = [
        [f"{start:.2f} to {end:.2f}", *(f"{each[start].share:.1%}" if start in each else "0.0%" for each in bins)]
        for start, end in edges
    ]
    return ValueTable([F1.label, *(name for name, _, _ in models)], rows)


def package_values(sides: Sequence[tuple[str, Reports]]) -> ValueTable:
    """Return what `charts.package_gain` plots: the gain in each package with its interval, for each revision.

    :param sides: name and reports of each revision.
    """
    gains = [{gain.group: gain for gain in gain_by_package(reports, str(F1.score))} for _, reports in sides]
    packages = dict.fromkeys(group for each in reversed(gains) for group in each)
    rows = [[package, *(_gain(each[package]) if package in each else "" for each in gains)] for package in packages]
    return ValueTable(["Package", *(name for name, _ in sides)], rows)


def _gain(gain: GroupGain) -> str:
    shown = [F1.show(value, signed=True) for value in (gain.mean, gain.low, gain.high) if value is not None]
    ends = f" ({' to '.join(shown[1:])})" if shown[1:] else ""
    return f"{shown[0]}{ends}, {gain.prompts} prompts"


def forest_values(rows: list[MetricDifference]) -> ValueTable:
    """Return what `forest.forest` plots, in standard deviations. The units of the metrics are in the table above it."""
    cells = [
        [
            effect.row.metric.label,
            f"{effect.value:+.3f}",
            f"{effect.low:+.3f} to {effect.high:+.3f}",
            "" if effect.detectable is None else f"{effect.detectable:.3f}",
            effect.row.verdict.value,
        ]
        for effect in effects(rows)
    ]
    return ValueTable(["Metric", "Standard deviations", "Interval", "Detectable", "Verdict"], cells)


def scatter_values(found: Sequence[Point], x: Quantity, y: Quantity, picked: Sequence[str]) -> ValueTable:
    """Return what `experiment_charts.scatter` plots: one row for each revision.

    :param picked: keys of the selected revisions.
    """
    rows = [
        [point.title, point.x_text, point.y_text, point.way, "yes" if point.key in picked else ""] for point in found
    ]
    return ValueTable(["Revision", x.label, y.label, "Measured as", "Selected"], rows)


def parallel_values(axes: Sequence[Axis], places: Sequence[AxisPoint], picked: Sequence[str]) -> ValueTable:
    """Return what `experiment_charts.parallel_coordinates` plots: one row for each revision, one column for each axis.

    :param picked: keys of the selected revisions.
    """
    lines: dict[str, list[AxisPoint]] = {}
    for place in places:
        lines.setdefault(place.key, []).append(place)
    rows = []
    for key, line in lines.items():
        texts = {place.axis: place.text for place in line}
        values = [texts.get(axis.label, "") for axis in axes]
        rows.append([line[0].title, *values, line[0].way, "yes" if key in picked else ""])
    return ValueTable(["Revision", *(axis.label for axis in axes), "Measured as", "Selected"], rows)
