"""The door of the web page: numerics first, then the registry of pages. `make app` serves it."""

from __future__ import annotations

import streamlit as st

from codetune.app.start import fix_numerics
from codetune.app.style import STYLE

fix_numerics()

# The pages may import torch, so they come after the numerics are fixed.
from codetune.app import compare, try_it  # noqa: E402

page = st.navigation(
    [
        st.Page(compare.page, title="Compare", icon=":material/compare_arrows:", url_path="compare", default=True),
        st.Page(try_it.page, title="Try", icon=":material/play_arrow:", url_path="try"),
    ],
    position="top",
)
st.set_page_config(page_title=f"{page.title} · codetune", page_icon=":material/tune:", layout="wide")
st.html(STYLE)
page.run()
