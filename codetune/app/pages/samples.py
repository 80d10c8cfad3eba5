"""The page Samples: the prompts one by one, with the reference and the answers of both revisions side by side."""

from __future__ import annotations

import streamlit as st

from codetune.app import project
from codetune.app.pages.compare import show_unmeasured
from codetune.app.ui.address import write_query
from codetune.app.ui.answers import show_sample
from codetune.app.ui.choose import choose_revisions, pair_query
from codetune.app.ui.guard import escape_markdown, show_errors
from codetune.app.ui.picking import LINK, pick_metric, pick_sample, pick_wanted
from codetune.app.ui.running import show_unfinished
from codetune.app.ui.sample_table import sample_table
from codetune.compare.comparison import Comparison
from codetune.compare.samples import Sample, by_change, comparable_metrics, filter_samples, samples_of, ways
from codetune.compare.wording import discrimination_sentence
from codetune.evaluation.metrics.metric import Metric
from codetune.history.listing import WORKSPACE, Revision
from codetune.history.reports import Reports


def _comparison(baseline: Revision, candidate: Revision) -> Comparison | None:
    """Return the comparison of the two revisions.

    If only one has metrics, it is compared with itself; if none has, None is returned.
    """
    measured = []
    unfinished = show_unfinished(baseline, candidate)
    for revision in dict.fromkeys((baseline, candidate)):
        if unfinished and revision == WORKSPACE:
            continue
        if project.reports(revision).measured:
            measured.append(revision)
        else:
            show_unmeasured(project.reports(revision))
    return project.comparison(measured[0], measured[-1]) if measured else None


def _counts(samples: list[Sample], shown: list[Sample], metric: Metric, reports: Reports) -> str:
    told = ", ".join(f"{count} {way.value}" for way, count in ways(shown, metric).items())
    counted = f"{len(shown)} of {len(samples)} prompts; by {metric.label}: {told}."
    return f"{counted} {discrimination_sentence(reports, metric)}".rstrip()


def _pick(comparison: Comparison) -> Sample | None:
    """Draw the filters and the table. Return the prompt to show, or None if there is none."""
    samples = samples_of(comparison)
    metrics = comparable_metrics(comparison)
    if not samples:
        st.info("The two revisions have no answered prompt in common, so there are no answers to compare.")
        return None
    for notice in comparison.notices:
        st.warning(escape_markdown(notice), icon=":material/warning:")
    metric, worst_first = pick_metric(metrics)
    shown = filter_samples(samples, pick_wanted(samples), metric)
    if metric is not None:
        shown = by_change(shown, metric, worst_first=worst_first)
        st.caption(escape_markdown(_counts(samples, shown, metric, comparison.candidate)))
    if not shown:
        st.info("No prompt fits. Clear the text or choose other filters.")
        return None
    table = st.container()  # above the chooser, which sets the row that the table marks
    sample = pick_sample(samples, shown, metric)
    with table:
        sample_table(comparison.candidate, shown, metrics, metric, sample.prompt.id)
    return sample


@show_errors
def page() -> None:
    """Draw the page."""
    st.title("Samples")
    pair = choose_revisions()
    comparison = _comparison(*pair)
    sample = None if comparison is None else _pick(comparison)
    write_query({**pair_query(*pair), **({} if sample is None else {LINK: sample.prompt.id})})
    if comparison is not None and sample is not None:
        show_sample(comparison, sample, comparable_metrics(comparison))
