"""The door of the web page: the registry of pages and the theme. `make app` serves it."""

from __future__ import annotations

import streamlit as st

from codetune.app.pages import compare, data, experiments, samples
from codetune.app.start import fix_numerics
from codetune.app.ui.style import ICON, STYLE


def try_page() -> None:
    """The page Try: numerics first, then torch, which nobody who only compares has to wait for."""
    fix_numerics()
    from codetune.app.pages import try_it

    try_it.page()


# No icons here: the browser would fetch each as a tab icon from another server.
page = st.navigation(
    [
        st.Page(compare.page, title="Compare", url_path="compare", default=True),
        st.Page(samples.page, title="Samples", url_path="samples"),
        st.Page(experiments.page, title="Experiments", url_path="experiments"),
        st.Page(data.page, title="Data", url_path="data"),
        st.Page(try_page, title="Try", url_path="try"),
    ],
    position="top",
)
st.set_page_config(page_title=f"{page.title} · codetune", page_icon=str(ICON), layout="wide")
st.html(STYLE)
page.run()
