"""Fixtures that open the page on sample projects, in Streamlit's test harness and in a browser."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.page import served
from tests.support.model_revisions import copied_models, models
from tests.support.sample_project import copied_sample, executed_sample, sample

__all__ = ["copied_models", "copied_sample", "executed_sample", "models", "sample"]

HOUSE = Path(__file__).resolve().parents[2]
APP = (HOUSE / "streamlit_app.py").read_text()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Return a function that runs the app, or only one `page` of it, on a project in Streamlit's test harness.

    `query` has the parameters of the address, `state` the values already in the session.
    """

    def run(root: Path, query: dict[str, str] | None = None, page: str = "", **state: Any) -> AppTest:
        monkeypatch.setenv("CODETUNE_PROJECT", str(root))
        st.cache_data.clear()
        script = f"from codetune.app.pages import {page}; {page}.page()" if page else APP
        opened = AppTest.from_string(script, default_timeout=60)
        opened.query_params.update(query or {})
        for key, value in state.items():
            opened.session_state[key] = value
        return opened.run()

    return run


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Path], str]]:
    """Return a function that serves the app on a project, on a free loopback port, and returns its address.

    A project that is served already is not served again.
    """
    with ExitStack() as servers:
        yield cache(lambda root: servers.enter_context(served(root))[0])


@pytest.fixture(autouse=True)
def main_module():
    """Restore the main module after the test.

    AppTest replaces it by the page, and a worker process would run the page when it starts.
    """
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
