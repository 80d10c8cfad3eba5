"""Start the web page: set the numerics, import torch late, draw the chosen page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from codetune import numerics
from codetune.app.kept import keep
from codetune.app.project import project_root
from codetune.app.ui.guard import escape_markdown
from codetune.app.ui.style import ICON, STYLE
from codetune.core.config import PARAMS_FILE, load_section
from codetune.core.errors import UserError

if TYPE_CHECKING:
    from streamlit.navigation.page import Page


@st.cache_resource(show_spinner="Starting")
def _fix(root: str) -> numerics.NumericsParams:  # noqa: ARG001 - part of the cache's key
    return numerics.fix(load_section(numerics.NumericsParams, project_root() / PARAMS_FILE))


def fix_numerics() -> None:
    """Set the numerics that the pipeline uses, once for all sessions.

    If params.yaml is not valid, the page shows the error and stops.
    """
    try:
        _fix(str(project_root()))
    except UserError as error:
        st.error(escape_markdown(str(error)))
        st.stop()


def try_page() -> None:
    """Draw the page Try.

    The numerics are set before torch is imported. Torch is imported here so that the other pages open faster.
    """
    fix_numerics()
    from codetune.app.pages import try_it

    try_it.page()


def run_pages(pages: Sequence[Page]) -> None:
    """Draw the page that the visitor chose, below the list of all pages.

    :param pages: the first one is shown at `/`, and its `url_path` is `home`.
    """
    page = st.navigation([*pages, _by_name(pages[0])], position="top")
    st.set_page_config(page_title=f"{page.title} · codetune", page_icon=str(ICON), layout="wide")
    st.html(STYLE)
    keep(page.url_path)
    page.run()


def _by_name(first: Page) -> Page:
    """Return a page for the address that has the name of the first page, such as `/compare`. It leads to `/`.

    Streamlit shows the first page at `/` only, and reports other addresses as not found.
    """
    return st.Page(
        lambda: st.switch_page(first, query_params=st.query_params.to_dict()),
        title=first.title, url_path=first.title.lower(), visibility="hidden",
    )  # fmt: skip
