"""Say below a table what its columns mean. Streamlit draws a table as a picture, whose tooltips need a mouse."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from codetune.app.ui import html


def show_meanings(meanings: Mapping[str, str]) -> None:
    """Draw a closed section that says what each column means.

    :param meanings: the texts of the tooltips by the titles of the columns; parts in backticks are shown as code.
    """
    with st.expander("What the columns mean", icon=":material/help:"):
        rows = [[escape(name), html.backticks_as_code(meaning)] for name, meaning in meanings.items()]
        st.html(html.table(["Column", "Meaning"], rows, (1,), prose=True))
