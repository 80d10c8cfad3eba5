"""The table of what the exported GGUF files change, on the page Try."""

from __future__ import annotations

from html import escape

import streamlit as st

from codetune.app.ui import html
from codetune.app.ui.guard import escape_markdown
from codetune.history.reports import Reports
from codetune.reporting.parity_table import HEAD, parity_note, parity_rows


def show_parity(reports: Reports) -> None:
    """Draw the table in a closed expander, if `make parity` has measured it.

    :param reports: the reports of one revision.
    """
    if not reports.parity:
        return
    with st.expander("Answers of the exported GGUF files", icon=":material/compare_arrows:"):
        rows = [[escape(cell) for cell in row] for row in parity_rows(reports.parity)]
        st.html(html.table([name.capitalize() if name.islower() else name for name in HEAD], rows))
        st.caption(escape_markdown(parity_note(reports.parity)))
