"""No traceback ever: what goes wrong in a page becomes a sentence there, and a log entry in the terminal."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from codetune.core.errors import UserError

LOG = logging.getLogger("codetune.app")
Arguments = ParamSpec("Arguments")


def guarded(page: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """The page, or a fragment of one, with its failures told to the user in a sentence.

    Streamlit's own control flow (stop, rerun) is no `Exception` and passes through.
    """

    @functools.wraps(page)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            page(*args, **kwargs)
        except UserError as error:
            st.error(literal(str(error)))
        except Exception:
            LOG.exception("the page failed")
            st.error("This page failed. The terminal that runs it says why; reload to try again.")

    return run


def literal(text: str) -> str:
    """`text` for a place that reads Markdown, with everything but code in backticks shown as it is."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # an unpaired backtick: nothing is code
        return _escaped(text)
    return "".join(f"`{part}`" if index % 2 else _escaped(part) for index, part in enumerate(parts) if part)


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in r"\`*_{}[]()<>#+-.!|~$:^" else character for character in text)
