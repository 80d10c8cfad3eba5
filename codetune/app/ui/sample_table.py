"""The prompts as a table: one row for each prompt, one column for the change of each metric."""

from __future__ import annotations

from typing import Any

import streamlit as st

from codetune.app.ui.meanings import show_meanings
from codetune.compare.samples import Sample
from codetune.compare.wording import metric_help
from codetune.core.files import digest_bytes
from codetune.evaluation.metrics.metric import Metric
from codetune.history.reports import Reports

HEIGHT = 320
_PARSES_MEANING = "Whether the answer parses: baseline \u2192 candidate."
_PARSES: dict[tuple[bool | None, bool | None], str] = {
    (False, True): "no \u2192 yes",
    (True, False): "yes \u2192 no",
    (True, True): "yes",
    (False, False): "no",
}


def sample_rows(samples: list[Sample], metrics: list[Metric], first: Metric | None) -> dict[str, list[Any]]:
    """Return the columns of the table, with one value for each sample.

    Changes are in the unit that is shown: percentage points for shares.

    :param first: the metric whose changes come first.
    :returns: values by the title of the column.
    """
    ordered = [metric for metric in metrics if metric is first] + [metric for metric in metrics if metric is not first]
    columns: dict[str, list[Any]] = {
        "Function": [sample.prompt.qualname for sample in samples],
        "Package": [sample.prompt.group for sample in samples],
        "Parses": [_PARSES.get(sample.parsing(), "") for sample in samples],
    }
    for metric in ordered:
        changes = (sample.change(metric) for sample in samples)
        columns[_name(metric)] = [None if change is None else change * metric.scale for change in changes]
    columns["Instruction"] = [sample.prompt.instruction.replace("`", "") for sample in samples]  # not read as Markdown
    return columns


def _name(metric: Metric) -> str:
    return f"\u0394 {metric.label}" + (" (pp)" if metric.unit else "")


def _column(reports: Reports, metric: Metric) -> Any:
    return st.column_config.NumberColumn(_name(metric), format=f"%+.{metric.digits}f", help=_meaning(reports, metric))


def _meaning(reports: Reports, metric: Metric) -> str:
    way = "larger" if metric.larger_is_better else "smaller"
    return f"Candidate minus baseline; {way} is better. {metric_help(reports, metric)}".strip()


def _take(key: str, ids: list[str]) -> None:
    selection = st.session_state[key]["selection"]
    places = [*selection["rows"], *(row for row, _ in selection["cells"])]
    if places:
        st.session_state["sample_prompt"] = ids[places[-1]]


def sample_table(
    reports: Reports, samples: list[Sample], metrics: list[Metric], first: Metric | None, current: str
) -> None:
    """Draw the table. When the user picks a row, the page shows that prompt.

    :param reports: reports of the revision that describe how well each metric detects passing answers.
    :param first: the metric whose changes come first.
    :param current: the id of the prompt that is shown; its row is marked.
    """
    ids = [sample.prompt.id for sample in samples]
    # Streamlit stores the selection by row number, so another list of prompts needs another key.
    key = f"sample_table_{digest_bytes(' '.join(ids).encode())[:12]}"
    marked = [ids.index(current)] if current in ids else []
    state = st.session_state.get(key)
    if state is None or list(state["selection"]["rows"]) != marked or state["selection"]["cells"]:
        st.session_state[key] = {"selection": {"rows": marked, "columns": [], "cells": []}}
    st.dataframe(
        sample_rows(samples, metrics, first),
        key=key,
        height=HEIGHT,
        hide_index=True,
        column_config={
            "Function": st.column_config.TextColumn(pinned=True, width="medium"),
            "Parses": st.column_config.TextColumn(help=_PARSES_MEANING),
            "Instruction": st.column_config.TextColumn(width="large"),
            **{_name(metric): _column(reports, metric) for metric in metrics},
        },
        on_select=lambda: _take(key, ids),
        selection_mode=["single-row", "single-cell"],
        alt="The prompts with the change of every metric; pick a row to see its answers below.",
    )
    show_meanings({"Parses": _PARSES_MEANING, **{_name(metric): _meaning(reports, metric) for metric in metrics}})
