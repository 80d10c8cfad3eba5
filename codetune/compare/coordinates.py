"""Rows of the table of revisions as points: of a scatter plot, and of parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codetune.compare.figures import Row
from codetune.compare.quantities import Quantity, Value

NOTHING = "–"


@dataclass(frozen=True)
class Point:
    """One revision in a scatter plot, with the ends of the intervals that its reports hold.

    :param way: how its figures were measured, see `codetune.compare.quantities.ways_of`.
    :param x_text: the value as it is shown, with its interval; `y_text` likewise.
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
class Place:
    """Where the line of one revision crosses one axis.

    :param height: 0 at the bottom of the axis to 1 at its top; None where the revision has no value.
    :param text: the value as it is shown.
    """

    key: str
    title: str
    way: str
    axis: str
    height: float | None
    text: str


@dataclass(frozen=True)
class Axis:
    """One axis of parallel coordinates with what stands at its ends.

    :param order: the texts from bottom to top where the axis holds words; empty where it holds numbers.
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
    """The rows that have both values; where an axis has words among its values, all of it is words."""
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
    """An axis, and where each value stands on it: better up, for a metric of which less is better the smallest."""
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


def parallel(rows: Sequence[Row], axes: Sequence[Quantity], ways: dict[str, str]) -> tuple[list[Axis], list[Place]]:
    """The axes that any row has a value of, and where the lines of the rows cross them, row by row.

    A row that has a value on fewer than two axes makes no line and is left out, unless there is but one axis.
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
            places.append(Place(key, row.title, way, axis.label, height, text))
    return [axis for axis, _ in scaled], places
