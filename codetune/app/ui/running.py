"""Show the pipeline runs that are in progress, refreshed while the page is open; draw nothing if none runs."""

from __future__ import annotations

from typing import Any

import altair as alt
import streamlit as st

from codetune.app import project
from codetune.app.ui.chart_values import curve_values, show_chart
from codetune.app.ui.charts import chart
from codetune.app.ui.guard import LOG, escape_markdown
from codetune.app.ui.style import BASE_COLOR, CANDIDATE_COLOR
from codetune.history.listing import WORKSPACE, Revision
from codetune.history.running import Run, duration_text, running

REFRESH_SECONDS = 3
_HEIGHT = 240


def _curves(run: Run) -> Any:
    rows = [
        {"series": curve.name, "step": step, "loss": value}
        for curve in run.curves
        if curve.name.endswith("loss")
        for step, value in zip(curve.steps, curve.values, strict=True)
    ]
    legend = alt.Legend(orient="top")
    return (
        chart(rows)
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=16))
        .encode(
            alt.X("step:Q", title="Optimizer step", scale=alt.Scale(domainMin=0, domainMax=run.steps or alt.Undefined)),
            alt.Y("loss:Q", title="Loss (nats per token)", scale=alt.Scale(zero=False)),
            alt.Color("series:N", title=None, legend=legend, scale=alt.Scale(range=[CANDIDATE_COLOR, BASE_COLOR])),
            alt.StrokeDash("series:N", title=None, legend=legend),
        )
    )


def _alt(run: Run) -> str:
    """Return the curves as text: the last value of each."""
    ends = [f"{curve.name} {curve.values[-1]:.4f} at step {curve.steps[-1]}" for curve in run.curves]
    return f"Learning curve of the run in progress: {', '.join(ends)}"


def _show(run: Run) -> None:
    with st.container(border=True):
        title = f"experiment {run.name}" if run.name else "the pipeline"
        stage = f", stage {run.stage}" if run.stage else ""
        st.markdown(f"**Running now: {escape_markdown(title + stage)}** · {duration_text(run.seconds)}")
        st.caption(escape_markdown(f"`{run.command}` writes {', '.join(run.writes)}"))
        if run.step is not None and run.steps:
            st.progress(min(1.0, run.step / run.steps), text=f"step {run.step:,} of {run.steps:,}")
        elif run.step is not None:
            st.caption(f"step {run.step:,}; the total is known after the first checkpoint")
        if any(len(curve.steps) > 1 and curve.name.endswith("loss") for curve in run.curves):
            losses = [(curve.name, curve) for curve in run.curves if curve.name.endswith("loss")]
            show_chart(_curves(run), curve_values(losses), alt=_alt(run), height=_HEIGHT)


def show_unfinished(*sides: Revision) -> bool:
    """Draw why the workspace is not compared, and the run that writes it; nothing if it is not one of `sides`.

    :returns: whether the workspace is one of `sides` and is unfinished.
    """
    told = project.unfinished() if WORKSPACE in sides else ""
    if told:
        st.warning(escape_markdown(told), icon=":material/hourglass_top:")
        show_running()
    return bool(told)


@st.fragment(run_every=REFRESH_SECONDS)
def show_running() -> None:
    """Draw the runs in progress. When one has ended, the page is drawn again, so that its result appears."""
    try:
        found = running(project.project_root())
    except OSError:
        LOG.exception("cannot find the runs in progress")
        found = []
    before = st.session_state.get("experiments_running", 0)
    st.session_state["experiments_running"] = len(found)
    for run in found:
        _show(run)
    if len(found) < before:
        st.rerun()
