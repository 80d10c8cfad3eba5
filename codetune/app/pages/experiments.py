"""The page Experiments: all commits and experiments as a table, as two plots, and as commands to copy."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from codetune.app import project
from codetune.app.pages import compare
from codetune.app.ui import experiment_charts, experiment_table, html
from codetune.app.ui.chart_values import parallel_values, scatter_values, show_chart
from codetune.app.ui.guard import escape_markdown, show_errors
from codetune.app.ui.running import show_running
from codetune.app.ui.several_rows import several_table
from codetune.compare.commands import commands
from codetune.compare.coordinates import parallel, points
from codetune.compare.figures import Figures, Row, matching
from codetune.compare.quantities import (
    MeasurementSetup,
    Quantity,
    default_columns,
    metrics,
    parameters,
    ways_of,
    ways_sentence,
)
from codetune.evaluation.metrics.registry import F1
from codetune.history.listing import WORKSPACE, Kind

FIRST_RUN = "`dvc exp run -S train.lora.rank=4`"
_HEAD = "head"
KINDS = {
    _HEAD: "HEAD", Kind.EXPERIMENT.value: "Experiments", Kind.WORKSPACE.value: "Workspace", Kind.COMMIT.value: "Commits"
}  # fmt: skip
_NO_BASELINE = "none"
_FIRST_METRICS = 3
_PAIR = 2
_HEIGHT = 420


def _filtered(rows: list[Row]) -> list[Row]:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    text = left.text_input(
        "Search", key="experiments_search", max_chars=200, placeholder="name, message, author, date, id, rank=4",
        help="Shows rows that contain every word: in name, message, author, date, id, note or a parameter.",
    )  # fmt: skip
    head = project.head()
    first = [_HEAD, Kind.EXPERIMENT.value] if head else [Kind.WORKSPACE.value]
    st.session_state.setdefault("experiments_kinds", first)
    kinds = right.pills(
        "Show", list(KINDS), selection_mode="multi", format_func=KINDS.__getitem__, key="experiments_kinds"
    )
    found = matching(rows, text, Kind)
    return [row for row in found if row.revision.kind.value in kinds or (_HEAD in kinds and row.revision.key == head)]


def _baseline(rows: list[Row]) -> Row | None:
    """Draw the chooser of the baseline, whose row comes first and from which the others differ."""
    by_key = {row.revision.key: row for row in rows}
    key = "experiments_baseline"
    if st.session_state.get(key) not in by_key:
        st.session_state[key] = _NO_BASELINE
    chosen = st.selectbox(
        "Baseline", [_NO_BASELINE, *by_key], key=key,
        format_func=lambda name: by_key[name].title if name in by_key else "none: show values",
        help="Shows each metric as its difference from this row. Values of other set-ups are not subtracted.",
    )  # fmt: skip
    return by_key.get(chosen or "")


def _attempts() -> None:
    """Draw the runs that have no result: those that wait and those that failed, with the reason."""
    found = project.attempts()
    if not found:
        return
    st.subheader("Queued and failed runs")
    cells = [[html.code(each.name), each.state, html.code(each.parent[:7]), escape(each.reason)] for each in found]
    st.html(html.table(["Run", "State", "From", "Reason"], cells, (1, 2, 3), look="wrap"))
    st.caption("`dvc queue logs NAME` prints all output of a run; `dvc queue start` starts those that wait.")


def _choose(label: str, offered: Sequence[Quantity], first: Sequence[Quantity], key: str) -> list[Quantity]:
    """Return the quantities that the user selects; those that no longer exist are deselected."""
    by_key = {quantity.key: quantity for quantity in offered}
    kept = [name for name in st.session_state.get(key, [q.key for q in first]) if name in by_key]
    st.session_state[key] = kept
    chosen = st.multiselect(label, list(by_key), key=key, format_func=lambda name: by_key[name].label)
    return [by_key[name] for name in chosen if name in by_key]


def _one(
    column: st.delta_generator.DeltaGenerator, label: str, offered: Sequence[Quantity], first: Quantity
) -> Quantity:
    by_key = {quantity.key: quantity for quantity in offered}
    key = f"experiments_{label[:1].lower()}"
    if st.session_state.get(key) not in by_key:
        st.session_state[key] = first.key
    return by_key[column.selectbox(label, list(by_key), key=key, format_func=lambda name: by_key[name].label)]


def _told(ways: Sequence[MeasurementSetup], before: Sequence[MeasurementSetup] = ()) -> None:
    """Show a warning if figures that were measured in different ways are shown together.

    :param before: the ways that an earlier warning named; for the same ways a short caption is shown.
    """
    sentence = ways_sentence(ways)
    if sentence and sentence == ways_sentence(before):
        st.caption(f"Measured in {len(ways)} ways, see above: differences between them say nothing about the models.")
    elif sentence:
        st.warning(escape_markdown(sentence), icon=":material/warning:")


def _scatter(
    rows: list[Row], across: list[Quantity], up: list[Quantity], picked: list[str], told: list[MeasurementSetup]
) -> None:
    left, right = st.columns(2)
    gain = next((quantity for quantity in up if quantity.key == f"gain.{F1.key}"), up[0])
    x, y = _one(left, "X axis", [*across, *up], [*across, *up][0]), _one(right, "Y axis", up, gain)
    ways, names = ways_of(rows, [x, y])
    _told(ways, told)
    found = points(rows, x, y, names)
    if not found:
        st.caption("No row has both values. Choose other axes, or show more rows.")
        return
    words = f"Scatter plot of {len(found)} revisions: {y.label} by {x.label}"
    chart, values = experiment_charts.scatter(found, x, y, ways, picked), scatter_values(found, x, y, picked)
    show_chart(chart, values, alt=words, height=_HEIGHT)
    st.caption("Bars: 95 % intervals, where the reports have them (gains only). Rings: the selected rows.")


def _parallel(
    rows: list[Row], across: list[Quantity], up: list[Quantity], picked: list[str], told: list[MeasurementSetup]
) -> None:
    first = [*default_columns(across), *default_columns(up)[:_FIRST_METRICS]]
    axes = _choose("Axes", [*across, *up], first, "experiments_axes")
    ways, names = ways_of(rows, axes)
    _told(ways, told)
    drawn, places = parallel(rows, axes, names)
    if not drawn:
        st.caption("Choose at least one axis for which a row has a value.")
        return
    chart = experiment_charts.parallel_coordinates(drawn, places, ways, picked)
    words = f"Parallel coordinates: {', '.join(axis.label for axis in axes)}"
    show_chart(chart, parallel_values(drawn, places, picked), alt=words, height=_HEIGHT)
    st.caption("One line for each row, from parameters to metrics. On the axes of metrics, up is better.")


def _start(row: Row, rows: list[Row]) -> tuple[Figures, str]:
    """Return the figures and name of what a command starts from: the parent of an experiment, else HEAD."""
    commit = row.revision.parent or project.repository().resolve("HEAD")
    if commit is None:
        return Figures(), "HEAD"
    listed = next((other for other in rows if other.revision.commit == commit), None)
    return (listed.figures if listed else project.figures(commit)), commit[:7]


def _commands(row: Row, rows: list[Row]) -> None:
    base, name = _start(row, rows)
    st.markdown(f"**{escape_markdown(row.title)}**")
    for command in commands(row.revision, row.figures, base, name):
        st.caption(f"To {escape_markdown(command.purpose)}:")
        st.code(command.line, language="bash", wrap_lines=True)


def _selected(picked: list[Row], rows: list[Row]) -> None:
    """Draw what can be done with the selected rows."""
    if not picked:
        st.caption("Select one row for the commands that repeat, apply or remove it; select more to compare them.")
        return
    if len(picked) > _PAIR:
        st.html(several_table(picked, rows))
        return
    if len(picked) == _PAIR:
        old, new = sorted(picked, key=lambda row: (row.revision.date is None, row.revision.date or 0))
        st.page_link(
            st.Page(compare.page, title="Compare", url_path="home", default=True),
            label=f"Compare {escape_markdown(old.title)} with {escape_markdown(new.title)}",
            icon=":material/compare_arrows:",
            query_params={"baseline": old.revision.key, "candidate": new.revision.key},
        )
    with st.expander("Commands", icon=":material/terminal:", key="experiments_commands"):
        for column, row in zip(st.columns(len(picked)), picked, strict=True):
            with column:
                _commands(row, rows)


def _show(rows: list[Row]) -> None:
    shown = _filtered(rows)
    if not shown:
        st.info("No row fits. Search for fewer words, or show more kinds.")
        return
    across, up = parameters(shown, rows), metrics(rows)
    if damaged := [row for row in shown if row.figures.problems]:
        named = ", ".join(dict.fromkeys(path for row in damaged for path in row.figures.problems))
        st.warning(escape_markdown(f"{named} cannot be read in {len(damaged)} of the rows; their values are left out."))
    with st.expander("Columns", icon=":material/view_column:"):
        params = _choose("Parameters that differ", across, default_columns(across), "experiments_parameters")
        values = _choose("Metrics", up, default_columns(up), "experiments_metrics")
    baseline = _baseline(shown)
    ways, names = ways_of(shown, values)
    _told(ways)
    ways_shown = names if len(ways) > 1 else {}
    picked = experiment_table.show_table(shown, [*params, *values], ways_shown, project.reports(WORKSPACE), baseline)
    _attempts()
    with st.container():  # always one element, so that the elements below keep their state
        _selected(picked, rows)
    if not up:
        st.info(f"No revision has metrics yet. Run `make repro`, then for example {FIRST_RUN}.")
        return
    st.subheader("Plots")
    keys = [row.revision.key for row in picked]
    for tab, draw in zip(
        st.tabs(["Scatter", "Parallel coordinates"], key="experiments_plots"), (_scatter, _parallel), strict=True
    ):
        with tab:
            draw(shown, across, up, keys, ways)


@show_errors
def page() -> None:
    """Draw the page."""
    st.title("Experiments")
    show_running()
    _show(project.rows())
