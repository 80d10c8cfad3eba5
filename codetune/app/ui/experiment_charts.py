"""The plots of the page Experiments. Shape and dash pattern, as well as colour, show how figures were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import altair as alt

from codetune.app.ui.charts import categorical_channel, chart
from codetune.app.ui.style import BASELINE_COLOR, CANDIDATE_COLOR
from codetune.compare.coordinates import NOTHING, Axis, AxisPoint, Point
from codetune.compare.quantities import MeasurementSetup, Quantity

# From the palette of Okabe and Ito, which colour-blind readers can distinguish.
_WAY_COLORS = (CANDIDATE_COLOR, "#d55e00", "#cc79a7", "#e69f00", "#56b4e9", "#009e73")
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_DASHES = ([1, 0], [6, 3], [2, 3], [8, 2, 2, 2], [10, 4], [4, 1])
_MAX_WORDS = 8


def _title(quantity: Quantity) -> str:
    """Return the title of an axis: label, unit, and whether smaller is better."""
    unit = f" ({quantity.metric.unit.strip()})" if quantity.metric and quantity.metric.unit else ""
    less = ", smaller is better" if quantity.metric and not quantity.metric.larger_is_better else ""
    return f"{quantity.label}{unit}{less}"


def _by_way(channel: Any, values: Sequence[Any], ways: Sequence[MeasurementSetup], used: set[str]) -> Any:
    """Return a channel that shows the ways of measuring; it has a legend if there are several."""
    names = [*(way.name for way in ways if way.name in used), *sorted(used - {way.name for way in ways})]
    words = f"datum.label === '{NOTHING}' ? 'not measured' : 'measured as ' + datum.label"
    legend = alt.Legend(orient="top", labelExpr=words) if len(ways) > 1 else None
    return categorical_channel(channel, "way", names, values, legend)


def scatter(
    found: Sequence[Point], x: Quantity, y: Quantity, ways: Sequence[MeasurementSetup], picked: Sequence[str]
) -> Any:
    """Plot one mark for each revision, with intervals where the reports have them.

    :param found: the points to draw, one for each revision.
    :param x: what the horizontal axis shows.
    :param y: what the vertical axis shows.
    :param ways: the ways in which the figures were measured.
    :param picked: keys of the selected revisions, which get a ring.
    """
    scales = [quantity.metric.scale if quantity.metric else 1.0 for quantity in (x, y)]
    rows = [_scatter_row(point, *scales) for point in found]
    words = [any(isinstance(row[name], str) for row in rows) for name in ("x", "y")]
    ticks = alt.Axis(labelAngle=0) if words[0] else alt.Axis(tickCount=8)
    across = alt.X("x:N" if words[0] else "x:Q", title=_title(x), scale=_scale(wordy=words[0]), axis=ticks)
    up = alt.Y("y:N" if words[1] else "y:Q", title=_title(y), scale=_scale(wordy=words[1]))
    used = {point.way for point in found}
    color, shape = _by_way(alt.Color, _WAY_COLORS, ways, used), _by_way(alt.Shape, _SHAPES, ways, used)
    base = chart(rows).encode(across, up, color, tooltip=_tips(x_text=x.label, y_text=y.label))
    # Numbers drawn on an axis of words would add a second scale to it, so intervals are drawn only where they exist.
    intervals = [
        base.transform_filter(f"isValid(datum.{name}_low)").mark_rule(opacity=0.5).encode(*ends)
        for name, ends in (
            ("x", (alt.X("x_low:Q"), alt.X2("x_high:Q"))),
            ("y", (alt.Y("y_low:Q"), alt.Y2("y_high:Q"))),
        )
        if any(row[f"{name}_low"] is not None for row in rows)
    ]
    layers = [
        *intervals,
        base.mark_point(filled=True, size=70, opacity=0.9).encode(shape),
        chart([row for row in rows if row["key"] in picked])
        .mark_point(filled=False, size=260, strokeWidth=2.5)
        .encode(across, up, color),
    ]
    return alt.layer(*layers)


def _scale(*, wordy: bool) -> Any:
    return alt.Undefined if wordy else alt.Scale(zero=False, padding=12)


def _tips(**shown: str) -> list[Any]:
    """Return the tooltip: the revision, the columns of `shown` by their titles, and how it was measured."""
    titles = {"title": "revision", **shown, "way": "measured as"}
    return [alt.Tooltip(f"{name}:N", title=title) for name, title in titles.items()]


def _scatter_row(point: Point, x_scale: float, y_scale: float) -> dict[str, Any]:
    row: dict[str, Any] = {"key": point.key, "title": point.title, "way": point.way}
    parts = (("x", point.x, point.x_ends, x_scale), ("y", point.y, point.y_ends, y_scale))
    for name, value, ends, scale in parts:
        row[name] = value if isinstance(value, str) else value * scale
        row[f"{name}_low"], row[f"{name}_high"] = [end * scale for end in ends] if ends else (None, None)
    row["x_text"], row["y_text"] = point.x_text, point.y_text
    return row


def parallel_coordinates(
    axes: Sequence[Axis], places: Sequence[AxisPoint], ways: Sequence[MeasurementSetup], picked: Sequence[str]
) -> Any:
    """Plot one line for each revision across the axes. On axes of metrics, up is better.

    :param axes: the axes, from left to right.
    :param places: where the lines cross the axes.
    :param ways: the ways in which the figures were measured.
    :param picked: keys of the selected revisions, which get a thicker line.
    """
    order = [axis.label for axis in axes]
    rows = [{**asdict(place), "picked": place.key in picked} for place in places]
    used = {place.way for place in places}
    across = alt.X(
        "axis:N",
        sort=order,
        title=None,
        scale=alt.Scale(type="point", padding=0.35),
        axis=alt.Axis(labelAngle=0, labelLimit=160, labelExpr="split(datum.label, ' ')", domain=False, ticks=False),
    )
    up = alt.Y("height:Q", axis=None, scale=alt.Scale(domain=[-0.08, 1.08]))
    color, dash = _by_way(alt.Color, _WAY_COLORS, ways, used), _by_way(alt.StrokeDash, _DASHES, ways, used)
    base = chart(rows).encode(across, up, color, detail="key:N", tooltip=_tips(text="value"))
    dim = 0.35 if picked else 0.6
    poles = chart([{"axis": label, "low": 0, "high": 1} for label in order])
    return alt.layer(
        poles.mark_rule(color=BASELINE_COLOR, opacity=0.6).encode(across, alt.Y("low:Q", axis=None), alt.Y2("high:Q")),
        base.mark_line(strokeWidth=1.5, opacity=dim).encode(dash),
        base.mark_point(filled=True, size=22, opacity=dim),
        base.transform_filter("datum.picked").mark_line(strokeWidth=3.5).encode(dash),
        _ticks(axes, across),
    )


def _ticks(axes: Sequence[Axis], across: Any) -> Any:
    """Return the texts above and below each axis; an axis with a few words gets all of them at its side."""
    beside, above, below = [], [], []
    for axis in axes:
        if 0 < len(axis.order) <= _MAX_WORDS:
            last = max(1, len(axis.order) - 1)
            beside += [
                {"axis": axis.label, "height": place / last, "text": text} for place, text in enumerate(axis.order)
            ]
            continue
        above.append({"axis": axis.label, "height": 1, "text": axis.top})
        below.append({"axis": axis.label, "height": 0, "text": axis.bottom})
    layers = [
        chart(rows)
        .mark_text(fontSize=11, limit=150, **place)
        .encode(across, alt.Y("height:Q", axis=None), text="text:N", color=alt.value(BASELINE_COLOR))
        for rows, place in (
            (beside, {"align": "left", "dx": 7}),
            (above, {"dy": -10}),
            (below, {"dy": 11}),
        )
    ]
    return alt.layer(*layers)
