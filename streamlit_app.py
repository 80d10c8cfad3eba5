"""Start the web page: list its pages. `make app` serves it."""

from __future__ import annotations

import streamlit as st

from codetune.app.pages import compare, data, experiments, samples
from codetune.app.start import run_pages, try_page

# The pages have no icons: the browser would fetch each one from another server, as the icon of the tab.
run_pages(
    [
        st.Page(compare.page, title="Compare", url_path="home", default=True),
        st.Page(samples.page, title="Samples", url_path="samples"),
        st.Page(experiments.page, title="Experiments", url_path="experiments"),
        st.Page(data.page, title="Data", url_path="data"),
        st.Page(try_page, title="Try", url_path="try"),
    ]
)
