"""Draw what differs between two revisions: parameters, stages that re-ran, and rows that were added or removed."""

from __future__ import annotations

import streamlit as st

from codetune.app import project
from codetune.app.ui.guard import escape_markdown, show_errors
from codetune.app.ui.tables import data_table, parameter_table, stage_table
from codetune.compare.comparison import Comparison
from codetune.history.stages import StageChanges

DATA_FOLDER = "data/"


def show_changes(comparison: Comparison) -> None:
    """Draw the sections Parameters, Stages and Data."""
    stages = project.stages(comparison.baseline.revision, comparison.candidate.revision)
    _parameters(comparison)
    _stages(stages)
    _data(comparison, stages)


def _parameters(comparison: Comparison) -> None:
    st.subheader("Parameters")
    if not comparison.parameters:
        st.write("No parameter differs: what changed is code, data or the base model.")
        return
    names = [reports.revision.title for reports in (comparison.baseline, comparison.candidate)]
    st.html(parameter_table(comparison.parameters, *names))


def _stages(stages: StageChanges) -> None:
    st.subheader("Stages that re-ran")
    if stages.missing:
        st.write(escape_markdown(stages.missing))
    elif not stages.differences:
        st.write("None: dvc.lock lists the same runs in both revisions.")
    else:
        st.html(stage_table(stages.differences))


@st.fragment
@show_errors
def _data(comparison: Comparison, stages: StageChanges) -> None:
    """Draw the rows that were added, removed or changed.

    Counting them reads two ledgers, so it starts only when the user presses the button.
    """
    st.subheader("Data")
    written = [path for stage in stages.differences for path in stage.outputs if path.startswith(DATA_FOLDER)]
    if not stages.missing and not written:
        st.write("No stage wrote other data: both revisions have the same rows for training and for evaluation.")
        return
    sides = (comparison.baseline.revision, comparison.candidate.revision)
    chosen = [revision.key for revision in sides]
    if st.button("Count the rows that were added or removed", icon=":material/difference:", key="count_rows"):
        st.session_state["counted"] = chosen
    if st.session_state.get("counted") != chosen:
        return
    told, counts = project.data_changes(*sides)
    if counts.get("missing"):
        st.info(escape_markdown(told))
        return
    st.html(data_table(counts))
