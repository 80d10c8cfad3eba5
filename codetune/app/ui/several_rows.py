"""Three and more revisions side by side: the parameters that differ, and the most important metrics."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from codetune.app.ui import html
from codetune.compare.figures import Row
from codetune.compare.quantities import Quantity, default_columns, metrics, parameters, ways_of


def several_table(picked: Sequence[Row], rows: Sequence[Row]) -> str:
    """Return the selected revisions as a table with one column for each.

    :param picked: the selected revisions.
    :param rows: all revisions, in which the parents of experiments are looked up.
    """
    found = metrics(picked)
    values = default_columns(found)
    names = ways_of(picked, values)[1]
    lines = [[html.code(each.key), *(_cell(each, row) for row in picked)] for each in parameters(picked, rows)]
    lines += [[escape(each.label), *(_cell(each, row) for row in picked)] for each in values]
    lines.append(["Measured as", *(escape(names.get(row.revision.key, "")) for row in picked)])
    return html.table(["", *(row.title for row in picked)], lines)


def _cell(quantity: Quantity, row: Row) -> str:
    value = quantity.value(row)
    return "" if value is None else escape(quantity.text(value))
