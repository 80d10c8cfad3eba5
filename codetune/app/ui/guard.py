"""Errors of a page: the page shows a sentence, never a traceback, and the terminal gets a log entry."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from codetune.core.errors import UserError

LOG = logging.getLogger("codetune.app")
Arguments = ParamSpec("Arguments")


def show_errors(page: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Wrap a page, or a fragment of one, so that the user sees each error as a sentence.

    Streamlit's own control flow (stop, rerun) does not derive from `Exception` and is not caught.
    """

    @functools.wraps(page)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            page(*args, **kwargs)
        except UserError as error:
            st.error(escape_markdown(str(error)))
        except Exception:
            LOG.exception("the page failed")
            st.error("This page failed. The terminal that runs it says why; reload to try again.")

    return run


def escape_markdown(text: str) -> str:
    """Escape `text` for Markdown. Only code in backticks keeps its formatting."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick: nothing is code
        return _escaped(text)
    return "".join(f"`{part}`" if index % 2 else _escaped(part) for index, part in enumerate(parts) if part)


def escape_lines(text: str) -> str:
    """Escape a text of several lines for Markdown. Line breaks and indentation stay, which Markdown would drop."""
    lines = ((len(line) - len(line.lstrip(" ")), line.lstrip(" ")) for line in text.split("\n"))
    return "  \n".join("&nbsp;" * indent + escape_markdown(line) for indent, line in lines)


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in r"\`*_{}[]()<>#+-.!|~$:^" else character for character in text)
