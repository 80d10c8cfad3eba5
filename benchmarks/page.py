"""Serve the web page on the loopback address, and open it in a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 180
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(root: Path = PROJECT_ROOT) -> Iterator[tuple[str, int]]:
    """Serve the page on a free port.

    :param root: the project to show; by default this one.
    :returns: a context with the address and the id of the server process.
    """
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)]
    environment = {**os.environ, "CODETUNE_PROJECT": str(root)}
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_served(url, server)
            yield url, server.pid
        finally:
            server.terminate()


def _wait_until_served(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)  # noqa: S310
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise UserError(f"streamlit did not answer on {url}", "Run `make app` to see the error in the terminal.")


@contextmanager
def chromium() -> Iterator[Any]:
    """Start Chromium with Playwright.

    :raises UserError: if this machine has no Chromium.
    """
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise UserError("there is no Chromium on the PATH", "Install one (Debian: apt-get install chromium).")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()


def ready(page: Any, name: str) -> Any:
    """Return a locator of the button with this name, which matches when the button is enabled."""
    return page.get_by_role("button", name=name, exact=True).and_(page.locator(":enabled"))


def wait_until_drawn(page: Any) -> None:
    """Wait until the page's script has ended and all visible charts are drawn."""
    page.get_by_role("heading", level=1).wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    charts = page.locator("[data-testid=stVegaLiteChart]:visible")  # hidden tabs draw their charts when opened
    for place in range(charts.count()):
        charts.nth(place).locator(":is(canvas, svg)").first.wait_for(state="attached")
    page.evaluate("document.fonts.ready")
