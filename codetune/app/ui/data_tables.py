"""The tables of the page Data: funnel, splits, licences, lengths, leaks and paraphrases of one revision."""

from __future__ import annotations

from html import escape

import streamlit as st

from codetune.app.ui import html
from codetune.app.ui.guard import escape_markdown
from codetune.ledger import overview
from codetune.ledger.overview import DataReports

_MAX_LEAKS = 50


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def funnel_table(reports: DataReports) -> str:
    """Return a table of the rules, in order, with the rows that each dropped and left.

    The bar shows the dropped rows, on a scale from 0 to all raw rows.
    """
    raw, kept = overview.total(reports.data, "raw"), overview.total(reports.data, "kept")
    names = ["A row is dropped because", "Dropped", "Of all", "Left", "Of the raw rows"]
    rows = [["raw rows", "", "", f"{raw:,}", html.bar(0, raw, raw)]]
    for step in overview.funnel(reports.data):
        head = f"{escape(step.words)}<span>{escape(step.stage)} · {escape(step.reason)}</span>"
        dropped = html.bar(step.left, step.left + step.dropped, raw, "worse")
        rows.append([head, f"{step.dropped:,}", _share(step.dropped, raw), f"{step.left:,}", dropped])
    rows.append(["kept", "", _share(kept, raw), f"{kept:,}", html.bar(0, kept, raw)])
    return html.table(names, rows)


def _splits_table(reports: DataReports) -> str:
    kept = overview.total(reports.data, "kept")
    rows = [
        [split, f"{groups:,}", f"{count:,}", _share(count, kept), html.bar(0, count, kept)]
        for split, groups, count in overview.splits(reports.data)
    ]
    return html.table(["Split", "Groups", "Rows", "Of kept", "Share"], rows)


def _licenses_table(reports: DataReports) -> str:
    found = overview.licenses(reports.data)
    most = max((count for _, count in found), default=0)
    rows = [[escape(name), f"{count:,}", html.bar(0, count, most)] for name, count in found]
    return html.table(["Licence", "Kept rows", "Compared with the most common"], rows)


def _lengths_table(reports: DataReports) -> str:
    parts = ("p5", "p50", "p95", "max")
    rows = [
        [escape(name), *(f"{values[part]:,.0f}" if part in values else "" for part in parts)]
        for name, values in overview.lengths(reports.data)
    ]
    return html.table(["Of kept rows", "5th percentile", "Median", "95th percentile", "Longest"], rows)


def _leaks(reports: DataReports) -> None:
    counts = overview.leak_counts(reports.leaks)
    names = list(dict.fromkeys(split for _, found in counts for split in found))
    rows = [[words, *(f"{found[name]:,}" if name in found else "" for name in names)] for words, found in counts]
    looked = overview.total(reports.leaks, "train_rows")
    st.write(f"Held-out rows that are similar to one of the {looked:,} training rows:")
    st.html(html.table(["Alike in", *names], rows))
    if leaks := overview.leaks_found(reports.leaks):
        shown = [
            [html.code(leak.held_out), html.code(leak.train), escape(leak.split),
             escape(leak.way), f"{leak.similarity:.3f}" if isinstance(leak.similarity, float) else ""]
            for leak in leaks[:_MAX_LEAKS]
        ]  # fmt: skip
        with st.expander(f"The {len(leaks):,} rows, by their ids", icon=":material/list:"):
            st.html(html.table(["Held-out row", "Train row", "Split", "Alike in", "Similarity"], shown, (1, 2, 3)))
            st.caption("Enter an id under History of a row to see more.")


def _paraphrases(reports: DataReports) -> None:
    counts = overview.paraphrase_counts(reports.augmentation)
    most = max((count for _, count in counts), default=0)
    rows = [[escape(words), f"{count:,}", html.bar(0, count, most)] for words, count in counts]
    st.html(html.table(["Rows", "Count", "Compared with the most"], rows))


def show_overview(reports: DataReports) -> None:
    """Draw the counts of the reports of a revision. Where a report is missing, name the command that writes it."""
    for problem in reports.problems:
        st.warning(escape_markdown(problem))
    tabs = st.tabs(["Funnel", "Splits and lengths", "Licences", "Leaks", "Paraphrases"], key="data_overview")
    with tabs[0]:
        st.html(funnel_table(reports))
        st.caption("In the order of the rules. A row is counted once, under the first rule that drops it.")
    with tabs[1]:
        st.html(_splits_table(reports))
        st.html(_lengths_table(reports))
    with tabs[2]:
        st.html(_licenses_table(reports))
    with tabs[3]:
        if reports.leaks:
            _leaks(reports)
        else:
            st.info("There is no report on leaks. Run `dvc repro examine`.")
    with tabs[4]:
        if reports.augmentation:
            _paraphrases(reports)
        else:
            st.info("There is no report on paraphrases. Run `dvc repro augment`.")
