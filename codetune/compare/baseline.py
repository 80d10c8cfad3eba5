"""Differences of revisions from one of them, the baseline."""

from __future__ import annotations

from collections.abc import Mapping

from codetune.compare.figures import Row
from codetune.compare.quantities import Quantity


def difference_from(row: Row, baseline: Row, quantity: Quantity, ways: Mapping[str, str]) -> float | None:
    """The value of a metric minus that of the baseline.

    :param quantity: a metric.
    :param ways: how the figures of each row were measured, by the key of its revision; see `quantities.ways_of`.
    :returns: the difference; None if one has no value, or if the two were measured in different ways.
    """
    values = quantity.value(row), quantity.value(baseline)
    if ways.get(row.revision.key) != ways.get(baseline.revision.key):
        return None
    old, new = values[1], values[0]
    return new - old if isinstance(old, float) and isinstance(new, float) else None
