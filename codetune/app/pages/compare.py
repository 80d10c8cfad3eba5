"""The page Compare: the differences between two revisions, and whether they are statistically significant."""

from __future__ import annotations

from typing import Any

import streamlit as st

from codetune.app import project
from codetune.app.ui import charts
from codetune.app.ui.address import write_query
from codetune.app.ui.changes import show_changes
from codetune.app.ui.chart_values import (
    ValueTable,
    f1_values,
    forest_values,
    learning_curve_values,
    package_values,
    show_chart,
)
from codetune.app.ui.choose import choose_revisions, pair_query
from codetune.app.ui.exports import show_exports
from codetune.app.ui.forest import AXIS, forest, forest_height
from codetune.app.ui.forest import READING as FOREST_READING
from codetune.app.ui.guard import escape_markdown, show_errors
from codetune.app.ui.running import show_unfinished
from codetune.app.ui.tables import flip_table, meaning_table, metric_table
from codetune.compare.comparison import Comparison, MetricDifference
from codetune.compare.gather import flip_rows
from codetune.compare.wording import (
    discrimination_sentence,
    flips_sentence,
    gain_sentence,
    robustness_sentence,
    source_sentences,
    verdict_sentence,
)
from codetune.evaluation.metrics.registry import F1
from codetune.history.listing import WORKSPACE, Kind, Revision
from codetune.history.reports import METRICS_FILE, Reports

SECOND_RUN = "`dvc exp run -S train.lora.rank=4`"
READING = (
    "A verdict is better or worse when the interval excludes zero (bootstrap over prompts) and the p-value, corrected "
    "for the number of metrics, is small (permutation or McNemar test, Holm correction). Both "
    "describe chance in the choice of prompts, not chance in a single training run."
)


def unmeasured_sentence(reports: Reports) -> str:
    """Return a sentence that says how to get metrics for a revision that has none."""
    revision = reports.revision
    name = escape_markdown(revision.title)
    if revision.kind is Kind.WORKSPACE and reports.scores:
        return f"The workspace has reports, but no {METRICS_FILE}. Run `dvc repro`, which writes it again."
    if revision.kind is Kind.WORKSPACE:
        return "The workspace has no reports yet. Run `make repro`, which trains and measures the model."
    if revision.kind is Kind.EXPERIMENT:
        return f"The experiment {name} has no reports: it did not finish. Run it again with `dvc exp run`."
    return (
        f"{name} has no reports/metrics.json: the pipeline was not run there. Choose another revision, or run "
        f"`git checkout {revision.short}` and `make repro`."
    )


def _problems(*sides: Reports) -> None:
    for problem in dict.fromkeys(problem for reports in sides for problem in reports.problems):
        st.warning(escape_markdown(problem))


def show_unmeasured(reports: Reports) -> None:
    """Draw why a revision has no metrics, with one remedy: that of a damaged file, or else the command to run."""
    _problems(reports)
    if not any(problem.startswith(METRICS_FILE) for problem in reports.problems):
        st.info(unmeasured_sentence(reports))


def _metrics(rows: list[MetricDifference], reports: Reports, *names: str) -> None:
    """Draw the metrics as a table and as a forest plot."""
    st.html(metric_table(rows, reports, *names))
    chart = forest(rows, reports)
    if chart is not None:
        show_chart(chart, forest_values(rows), alt=f"Forest plot: {AXIS}", height=forest_height(rows))
        st.caption(FOREST_READING)


def _reading(comparison: Comparison) -> None:
    """Draw how to read the tables. The same texts are tooltips, which a keyboard does not reach."""
    rows = {row.metric.key: row for row in (*comparison.rows["tuned"], *comparison.gain, *comparison.rows["base"])}
    st.caption(READING)
    with st.expander("What the metrics and columns mean", icon=":material/help:"):
        st.html(meaning_table([*rows.values()], comparison.candidate))


def _gain(comparison: Comparison) -> None:
    """Draw the gain of tuning, and whether it holds for reworded prompts."""
    _metrics(comparison.gain, comparison.candidate, "Base", "Tuned")
    if told := robustness_sentence(comparison.candidate):
        st.write(escape_markdown(told))


def _tables(comparison: Comparison) -> None:
    names = [reports.revision.title for reports in (comparison.baseline, comparison.candidate)]
    tuned, gain, base = st.tabs(["Tuned models", "Gain of the candidate", "Base models"])
    with tuned:
        _metrics(comparison.rows["tuned"], comparison.candidate, *names)
    with gain:
        st.write(escape_markdown(gain_sentence(comparison.candidate, comparison.gain)))
        _gain(comparison)
    with base:
        if comparison.same_base:
            st.write("The base models of both revisions have the same scores on every shared prompt.")
        _metrics(comparison.rows["base"], comparison.candidate, *names)
    _reading(comparison)


def _chart(title: str, chart: Any | None, values: ValueTable | None, missing: str, height: int = charts.HEIGHT) -> None:
    st.markdown(f"**{title}**")
    if chart is None or values is None:
        st.caption(missing)
    else:
        show_chart(chart, values, alt=title, height=height)


def _curves(named: list[tuple[str, Reports]]) -> None:
    """Draw the learning curves, one tab for each logged measure."""
    measures = charts.measures(named)
    if not measures:
        _chart("Learning curve", None, None, "Nothing was logged: run `dvc repro train`.")
        return
    labels = [charts.measure_label(measure) for measure in measures]
    for tab, measure, label in zip(st.tabs(labels), measures, labels, strict=True):
        with tab:
            values = learning_curve_values(named, measure)
            _chart(f"Learning curve: {label}", charts.learning_curve(named, measure), values, "")


def _plots(sides: list[Reports]) -> None:
    """Draw the plots of one revision, or of baseline and candidate."""
    named = [(reports.revision.title, reports) for reports in sides]
    name, last = named[-1]
    models: list[charts.NamedModel] = [(f"{title}, tuned", reports, "tuned") for title, reports in named]
    st.subheader("Plots")
    _curves(named)
    left, right = st.columns(2)
    with left:
        title, drawn = "Distribution of BERTScore F1", [*models, (f"{name}, base", last, "base")]
        _chart(title, charts.f1_distribution(drawn), f1_values(drawn), "Run `dvc repro score`.")
    with right:
        gains, height = charts.package_gain(named), charts.package_height(last)
        _chart("Gain by package", gains, package_values(named), "Run `dvc repro score`.", height)
    if told := discrimination_sentence(last, F1):
        st.caption(f"{F1.label}: {escape_markdown(told)}")


def _flips(comparison: Comparison) -> None:
    """Draw the problems won and lost, if answers were run."""
    if not comparison.flips:
        return
    st.subheader("Problems won and lost")
    st.write("; ".join(escape_markdown(flips_sentence(found)) for found in comparison.flips))
    if rows := list(flip_rows(comparison)):
        st.html(flip_table(rows))


def _single(comparison: Comparison) -> None:
    """Draw one revision: what tuning gained."""
    reports = comparison.candidate
    _problems(reports)
    st.markdown(f"#### {escape_markdown(gain_sentence(reports, comparison.gain))}")
    _gain(comparison)
    _reading(comparison)
    _flips(comparison)
    _plots([reports])


def _pair(comparison: Comparison) -> None:
    """Draw the comparison of two measured revisions."""
    _problems(comparison.baseline, comparison.candidate)
    st.markdown(f"#### {escape_markdown(verdict_sentence(comparison))}")
    for notice in comparison.notices:
        st.warning(escape_markdown(notice), icon=":material/warning:")
    show_exports(comparison)
    _tables(comparison)
    _flips(comparison)
    if sources := source_sentences(comparison):
        st.markdown("**By source of the prompts**")
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in sources))
    show_changes(comparison)
    _plots([comparison.baseline, comparison.candidate])


def _show(baseline: Revision, candidate: Revision) -> None:
    unfinished = show_unfinished(baseline, candidate)
    judged = [side for side in (baseline, candidate) if not (unfinished and side == WORKSPACE)]
    sides = {revision: project.reports(revision) for revision in judged}
    measured = [revision for revision, reports in sides.items() if reports.measured]
    for reports in sides.values():
        if not reports.measured:
            show_unmeasured(reports)
    if len(measured) == 1:
        if baseline == candidate and not project.is_space():
            st.info(f"Baseline and candidate are the same. Choose another revision, or create one: {SECOND_RUN}.")
        _single(project.comparison(measured[0], measured[0]))
    elif measured:
        _pair(project.comparison(baseline, candidate))


@show_errors
def page() -> None:
    """Draw the page. A Space has one revision, so there is nothing to choose."""
    st.title("Compare")
    if project.is_space():
        _show(WORKSPACE, WORKSPACE)
        return
    pair = choose_revisions()
    write_query(pair_query(*pair))
    _show(*pair)
