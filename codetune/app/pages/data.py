"""The page Data: how many raw rows each rule dropped, the history of one row, and the rows themselves."""

from __future__ import annotations

import streamlit as st

from codetune.app import project
from codetune.app.ui.address import is_link, write_query
from codetune.app.ui.choose import linked_revision, revision_box
from codetune.app.ui.data_ledger import ROW_QUERY, show_ledger
from codetune.app.ui.data_rows import show_rows
from codetune.app.ui.data_tables import show_overview
from codetune.app.ui.guard import escape_markdown, show_errors
from codetune.history.listing import WORKSPACE, Kind, Revision
from codetune.ledger.overview import data_reports

_KEY = "data_revision"
_QUERY = "revision"


def _choose() -> Revision:
    """Draw the chooser of the revision, and write its commit id into the address."""
    listed = project.revisions()
    if is_link([_QUERY]) or _KEY not in st.session_state:
        before = st.session_state.get("data_chosen", WORKSPACE)
        st.session_state["data_chosen"] = linked_revision(listed, _QUERY) or before
        st.session_state[_KEY] = st.session_state["data_chosen"].label
    chosen = revision_box(st, "Revision", _KEY, [*listed, st.session_state["data_chosen"]])
    st.session_state["data_chosen"] = chosen
    write_query({_QUERY: chosen.key})
    return chosen


def _missing(revision: Revision) -> str:
    if revision.kind is Kind.WORKSPACE:
        return "There is no reports/data.json yet. Run `make repro`, which fetches and cleans the data."
    name = escape_markdown(revision.title)
    return f"{name} has no reports/data.json: the pipeline was not run there. Choose another revision."


def _from_raw_to_train() -> None:
    revision = _choose()
    reports = data_reports(project.repository(), revision)
    if reports.data or reports.problems:
        show_overview(reports)
    else:
        st.info(_missing(revision))


@show_errors
def page() -> None:
    """Draw the page. A link that names a row opens the tab with its history."""
    st.title("Data")
    names = ("From raw to train", "History of a row", "Rows")
    first = names[1] if ROW_QUERY in st.query_params else names[0]
    parts = zip(
        st.tabs(names, default=first, key="data_parts"), (_from_raw_to_train, show_ledger, show_rows), strict=True
    )
    for tab, show in parts:
        with tab:
            show()
