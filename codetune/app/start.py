"""Set the numerics once, before a page asks a model."""

from __future__ import annotations

import streamlit as st

from codetune import numerics
from codetune.app.project import project_root
from codetune.app.ui.guard import escape_markdown
from codetune.core.config import PARAMS_FILE, load_section
from codetune.core.errors import UserError


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
