"""Coordinates of revisions in a scatter plot and in a plot with parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codetune.compare.figures import Row
from codetune.compare.quantities import Quantity, Value

NOTHING = "–"


@dataclass(frozen=True)
class Point:
    """One revision in a scatter plot.

    :param key: commit id, or `workspace`.
    :param way: letter for how its metrics were measured, see `codetune.compare.quantities.ways_of`.
    :param x_ends: ends of the interval of `x`; None if the reports have none.
    :param y_ends: ends of the interval of `y`; None if the reports have none.
    :param x_text: formatted `x` with its interval.
    :param y_text: formatted `y` with its interval.
    """

    key: str
    title: str
    way: str
    x: Value
    y: Value
    x_ends: tuple[float, float] | None
    y_ends: tuple[float, float] | None
    x_text: str
    y_text: str


@dataclass(frozen=True)
class AxisPoint:
    """The point where the line of one revision crosses one axis.

    :param key: commit id, or `workspace`.
    :param way: letter for how its metrics were measured, see `codetune.compare.quantities.ways_of`.
    :param axis: label of the axis.
    :param height: 0 (bottom of the axis) to 1 (top); None if the revision has no value.
    :param text: the formatted value.
    """

    key: str
    title: str
    way: str
    axis: str
    height: float | None
    text: str


@dataclass(frozen=True)
class Axis:
    """One axis of parallel coordinates.

    :param bottom: the formatted value at the bottom.
    :param top: the formatted value at the top.
    :param order: for an axis with text values, the texts from bottom to top; empty for numbers.
    """

    label: str
    bottom: str
    top: str
    order: tuple[str, ...] = ()


def _ends(row: Row, quantity: Quantity) -> tuple[float, float] | None:
    found = quantity.measured(row)
    return (found.low, found.high) if found and found.low is not None and found.high is not None else None


def _told(row: Row, quantity: Quantity) -> str:
    value, ends = quantity.value(row), _ends(row, quantity)
    if value is None:
        return NOTHING
    return quantity.text(value) + (f" ({quantity.text(ends[0])} to {quantity.text(ends[1])})" if ends else "")


def points(rows: Sequence[Row], x: Quantity, y: Quantity, ways: dict[str, str]) -> list[Point]:
    """The points of the rows that have both values. If one value of an axis is text, all its values become text.

    :param ways: letter for how the metrics of each row were measured, by key of the revision.
    """
    pairs = [(row, x.value(row), y.value(row)) for row in rows]
    words = [any(isinstance(pair[place], str) for pair in pairs) for place in (1, 2)]
    found = []
    for row, across, up in pairs:
        if across is None or up is None:
            continue
        left, right = (
            quantity.text(value) if wordy else value
            for quantity, value, wordy in zip((x, y), (across, up), words, strict=True)
        )
        way = ways.get(row.revision.key, NOTHING)
        told = (_told(row, x), _told(row, y))
        found.append(Point(row.revision.key, row.title, way, left, right, _ends(row, x), _ends(row, y), *told))
    return found


def _heights(values: Sequence[Value | None], quantity: Quantity) -> tuple[Axis, list[float | None]]:
    """An axis, and the height of each value on it. Better values of a metric are higher, so smaller ones for a loss."""
    present = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in present):
        order = sorted({quantity.text(value) for value in present})
        step = 1 / max(1, len(order) - 1)
        axis = Axis(quantity.label, order[0], order[-1], tuple(order))
        return axis, [None if value is None else order.index(quantity.text(value)) * step for value in values]
    numbers = [float(value) for value in present]
    low, high = min(numbers), max(numbers)
    upside_down = quantity.metric is not None and not quantity.metric.larger_is_better
    bottom, top = (high, low) if upside_down else (low, high)
    axis = Axis(quantity.label, quantity.text(bottom), quantity.text(top))
    if low == high:
        return axis, [None if value is None else 0.5 for value in values]
    return axis, [None if value is None else (float(value) - bottom) / (top - bottom) for value in values]


def parallel(rows: Sequence[Row], axes: Sequence[Quantity], ways: dict[str, str]) -> tuple[list[Axis], list[AxisPoint]]:
    """Compute axes and lines of a plot with parallel coordinates.

    A row with a value on only one axis makes no line and is left out, unless there is only one axis.

    :param axes: the parameters and metrics to show.
    :param ways: letter for how the metrics of each row were measured, by key of the revision.
    :returns: the axes on which any row has a value, and the points where the rows cross them, row by row.
    """
    used = [quantity for quantity in axes if any(quantity.value(row) is not None for row in rows)]
    scaled = [_heights([quantity.value(row) for row in rows], quantity) for quantity in used]
    places = []
    for number, row in enumerate(rows):
        key, way = row.revision.key, ways.get(row.revision.key, NOTHING)
        if sum(heights[number] is not None for _, heights in scaled) < min(2, len(used)):
            continue
        for quantity, (axis, heights) in zip(used, scaled, strict=True):
            value, height = quantity.value(row), heights[number]
            text = NOTHING if value is None else quantity.text(value)
            places.append(AxisPoint(key, row.title, way, axis.label, height, text))
    return [axis for axis, _ in scaled], places
