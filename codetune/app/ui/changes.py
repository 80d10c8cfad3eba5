"""What went into two revisions: the parameters that differ, the stages that re-ran, the rows that came and went."""

from __future__ import annotations

import streamlit as st

from codetune.app import project
from codetune.app.ui.guard import guarded, literal
from codetune.app.ui.tables import data_table, parameter_table, stage_table
from codetune.compare.comparison import Comparison
from codetune.history.stages import StageChanges

DATA_FOLDER = "data/"


def show_changes(comparison: Comparison) -> None:
    """Draw the three sections."""
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
        st.write(literal(stages.missing))
    elif not stages.differences:
        st.write("None: both revisions name the same runs in dvc.lock.")
    else:
        st.html(stage_table(stages.differences))


@st.fragment
@guarded
def _data(comparison: Comparison, stages: StageChanges) -> None:
    """The rows that came and went; counting them means reading two ledgers, so it waits until it is asked for."""
    st.subheader("Data")
    written = [path for stage in stages.differences for path in stage.outputs if path.startswith(DATA_FOLDER)]
    if not stages.missing and not written:
        st.write("No stage wrote other data: both revisions learned from and were asked the same rows.")
        return
    sides = (comparison.baseline.revision, comparison.candidate.revision)
    chosen = [revision.key for revision in sides]
    if st.button("Count the rows that came and went", icon=":material/difference:", key="count_rows"):
        st.session_state["counted"] = chosen
    if st.session_state.get("counted") != chosen:
        return
    told, counts = project.data_changes(*sides)
    if counts.get("missing"):
        st.info(literal(told))
        return
    st.html(data_table(counts))
