"""The table of the page Experiments. It is sorted in the browser, and its rows can be selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from codetune.app.ui.meanings import show_meanings
from codetune.compare.baseline import difference_from
from codetune.compare.figures import Row
from codetune.compare.quantities import Quantity
from codetune.compare.wording import metric_help
from codetune.core.files import digest_bytes
from codetune.evaluation.metrics.metric import PERCENT
from codetune.history.listing import Kind
from codetune.history.reports import Reports

PICKED = "experiments_picked"
_HEIGHT = 430
_FROM = "The commit that the experiment started from."
_FACTS = ("Kind", "From", "Date", "Message", "Author", "Branches and tags", "Note")


def _facts(row: Row) -> tuple[Any, ...]:
    revision = row.revision
    kind = "workspace" if revision.kind is Kind.WORKSPACE else revision.kind.value
    parent, names = (revision.parent or "")[:7], ", ".join(row.names)
    return kind, parent, revision.date, revision.subject, revision.author, names, row.note


def _cells(rows: Sequence[Row], quantity: Quantity, baseline: Row | None, ways: Mapping[str, str]) -> Any:
    """Return a column: numbers in the unit they are shown in; texts if any value is a text.

    :param baseline: if given, metrics are shown as differences from this row.
    """
    if baseline is not None and quantity.metric:
        moved = (difference_from(row, baseline, quantity, ways) for row in rows)
        return pa.array([None if each is None else each * quantity.metric.scale for each in moved], pa.float64())
    values = [quantity.value(row) for row in rows]
    if any(isinstance(value, str) for value in values):
        return pa.array([None if value is None else quantity.text(value) for value in values], pa.string())
    scale = quantity.metric.scale if quantity.metric else 1.0
    return pa.array([None if value is None else float(value) * scale for value in values], pa.float64())


def _settings(quantity: Quantity, reports: Reports, *, signed: bool = False) -> Any:
    """Return how a column is shown: its digits, its unit, and its meaning as a tooltip."""
    if quantity.metric is None:
        return st.column_config.Column(quantity.label, help=_meaning(quantity, reports))
    metric = quantity.metric
    unit = " %%" if metric.unit == PERCENT else ""
    return st.column_config.NumberColumn(
        f"\u0394 {quantity.label}" if signed else quantity.label,
        format=f"%{'+' if signed else ''}.{metric.digits}f{unit}",
        help=_meaning(quantity, reports),
    )


def _meaning(quantity: Quantity, reports: Reports) -> str:
    """Return what a column shows, in Markdown."""
    metric = quantity.metric
    if metric is None:
        return f"`{quantity.key}` of params.yaml"
    way = "Larger is better." if metric.larger_is_better else "Smaller is better."
    return f"{metric_help(reports, metric)} {way}".strip()


def _picked(key: str, keys: list[str]) -> None:
    st.session_state[PICKED] = [keys[place] for place in st.session_state[key]["selection"]["rows"]]


def show_table(
    rows: Sequence[Row],
    columns: Sequence[Quantity],
    ways: dict[str, str],
    reports: Reports,
    baseline: Row | None = None,
) -> list[Row]:
    """Draw the table.

    :param rows: the revisions, one for each row.
    :param columns: the parameters and metrics to show.
    :param ways: how the figures of each row were measured, by the key of its revision; empty if there is only one way.
    :param reports: reports of the revision that describe how well each metric detects passing answers.
    :param baseline: the row that comes first, and from which the metrics of the others are shown as differences.
    :returns: the selected rows.
    """
    if baseline is not None:
        rows = [baseline, *(row for row in rows if row.revision != baseline.revision)]
    facts = dict(zip(_FACTS, zip(*map(_facts, rows), strict=True), strict=True))
    found: dict[str, Any] = {"Name": pa.array([row.title for row in rows])}
    if ways:
        found["Measured as"] = pa.array([ways.get(row.revision.key, "") for row in rows])
    # Figures stand before the facts, so that they can be seen without scrolling.
    found |= {quantity.key: _cells(rows, quantity, baseline, ways) for quantity in columns}
    found |= {name: pa.array(values) for name, values in facts.items()}
    keys = [row.revision.key for row in rows]
    # Streamlit stores the selection by row number, so a table with other rows needs another key.
    key = f"experiments_table_{digest_bytes(' '.join(keys).encode())[:16]}"
    chosen = [place for place, name in enumerate(keys) if name in st.session_state.get(PICKED, ())]
    st.dataframe(
        pa.table(found),
        key=key,
        height=min(_HEIGHT, 36 * (len(rows) + 1) + 3),
        hide_index=True,
        placeholder="\u2013",
        on_select=lambda: _picked(key, keys),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": chosen}},
        column_config={
            "Name": st.column_config.TextColumn(pinned=True),
            "From": st.column_config.TextColumn(width=85, help=_FROM),
            "Date": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            **{quantity.key: _settings(quantity, reports, signed=baseline is not None) for quantity in columns},
        },
        alt="Commits and experiments with their parameters and metrics",
    )
    show_meanings({**{each.label: _meaning(each, reports) for each in columns}, "From": _FROM})
    return [rows[place] for place in chosen]
