"""The page of a Space: Try and Compare, without what needs a clone of the project."""

from __future__ import annotations

import os

import streamlit as st

from codetune.app import project
from codetune.app.pages import compare
from codetune.app.start import run_pages, try_page


def main() -> None:
    """Draw the page. The folder of the Space is the working directory."""
    os.environ[project.SPACE_VARIABLE] = "1"
    run_pages(
        [
            st.Page(try_page, title="Try", url_path="home", default=True),
            st.Page(compare.page, title="Compare", url_path="compare"),
        ]
    )
