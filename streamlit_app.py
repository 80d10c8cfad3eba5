"""Start the web page: list its pages and set its theme. `make app` serves it."""

from __future__ import annotations

import streamlit as st

from codetune.app.kept import keep
from codetune.app.pages import compare, data, experiments, samples
from codetune.app.start import fix_numerics
from codetune.app.ui.style import ICON, STYLE


def try_page() -> None:
    """Draw the page Try.

    The numerics are set before torch is imported. Torch is imported here so that the other pages open faster.
    """
    fix_numerics()
    from codetune.app.pages import try_it

    try_it.page()


# The pages have no icons: the browser would fetch each one from another server, as the icon of the tab.
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
keep(page.url_path)
page.run()
