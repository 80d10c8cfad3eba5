"""The page on sample projects: in Streamlit's own test harness, and served for a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.model_revisions import copied_models, models
from tests.sample_project import copied_sample, sample

__all__ = ["copied_models", "copied_sample", "models", "sample"]

HOUSE = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Run the app on a project, optionally with an address's query; the page as Streamlit's harness sees it."""

    def run(root: Path, query: dict[str, str] | None = None) -> AppTest:
        monkeypatch.setenv("CODETUNE_PROJECT", str(root))
        st.cache_data.clear()
        page = AppTest.from_file(str(HOUSE / "streamlit_app.py"), default_timeout=30)
        page.query_params.update(query or {})
        return page.run()

    return run


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_served(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)  # noqa: S310
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"streamlit did not answer on {url} within {START_SECONDS} s")


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve the app on a project, on a free loopback port; its address."""
    servers: list[subprocess.Popen[bytes]] = []

    def start(root: Path) -> str:
        port = _free_port()
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)]
        environment = {**os.environ, "CODETUNE_PROJECT": str(root)}
        servers.append(subprocess.Popen(command, cwd=HOUSE, env=environment, stdout=subprocess.DEVNULL))
        url = f"http://127.0.0.1:{port}"
        _wait_until_served(url, servers[-1])
        return url

    yield start
    for server in servers:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(autouse=True)
def main_module():
    """The main module as it was: AppTest puts the page in its place, and a worker process would run that at its start."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
