"""Downloads of the comparison, as `codetune compare` prints it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from codetune.app import project
from codetune.compare.comparison import Comparison
from codetune.compare.gather import ComparisonReport, gather
from codetune.compare.renderers.data import as_csv, as_json
from codetune.compare.renderers.text import as_markdown
from codetune.core.errors import UserError
from codetune.core.files import dump_json

LOG = logging.getLogger("codetune.app")
_FORMS: dict[str, tuple[str, str, Callable[[ComparisonReport], str]]] = {
    "Markdown": ("md", "text/markdown", lambda found: as_markdown(found) + "\n"),
    "CSV": ("csv", "text/csv", as_csv),
    "JSON": ("json", "application/json", lambda found: dump_json(as_json(found))),
}


def export_text(root: Path, comparison: Comparison, form: str) -> str:
    """Return the comparison in one format.

    If it fails, the text says so. An exception would make the server send its details to the browser.

    :param root: the folder of the project.
    :param form: `Markdown`, `CSV` or `JSON`.
    """
    try:
        return _FORMS[form][2](gather(root, comparison))
    except UserError as error:
        return f"{error}\n"
    except Exception:
        LOG.exception("the export failed")
        return "This export failed. The terminal that runs the page says why.\n"


def show_exports(comparison: Comparison) -> None:
    """Draw one button for each format; the file is made when the button is pressed."""
    root = project.project_root()
    short = "-".join(reports.revision.short for reports in (comparison.baseline, comparison.candidate))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("The whole comparison as a file:", width="content")
        for form, (suffix, mime, _) in _FORMS.items():
            st.download_button(
                form,
                lambda form=form: export_text(root, comparison, form),  # type: ignore[misc]
                file_name=f"compare-{short}.{suffix}",
                mime=mime,
                key=f"export_{suffix}",
                on_click="ignore",
                icon=":material/download:",
                help=f"What `codetune compare --{form.lower()}` prints.",
            )
