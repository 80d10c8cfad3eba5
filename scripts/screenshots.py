"""The pictures of the README: the page on the project's own revisions, taken with Chromium (`make screenshots`).

Each is taken when what it shows is there, however long that takes. Colours are cut to a palette, so that git keeps
small files.
"""
# ruff: noqa: INP001, T201

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from codetune.errors import UserError
from codetune.revisions.listing import describe_commit
from codetune.revisions.models import ADAPTER, model_files
from codetune.revisions.outputs import LOCK_PATH, locked_output
from codetune.revisions.repository import Repository

HOUSE = Path(__file__).resolve().parents[1]
DOCS = HOUSE / "docs"
WIDTH = 1280
PATIENCE_S = 180
PALETTE = 128
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _served() -> Iterator[str]:
    """The page on this project, on a free loopback port; its address."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)]
    environment = {**os.environ, "CODETUNE_PROJECT": str(HOUSE)}
    with subprocess.Popen(command, cwd=HOUSE, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_served(url, server)
            yield url
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
    sys.exit(f"error: streamlit did not answer on {url}")


def _settled(page: Any) -> None:
    """Wait until the script of the page has run, and until every chart on it is drawn."""
    page.get_by_role("heading", level=1).wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    charts = page.get_by_test_id("stVegaLiteChart")
    for place in range(charts.count()):
        charts.nth(place).locator(":is(canvas, svg)").first.wait_for(state="attached")
    page.evaluate("document.fonts.ready")


def _pair() -> tuple[str, str]:
    """The newest revision with reports, and before it the newest one that had another adapter, by commit id."""
    repository = Repository(HOUSE)
    commits = repository.lines("log", "--format=%H", "HEAD", "--", LOCK_PATH)
    adapters = {}
    for commit in commits:
        entry = locked_output(repository, describe_commit(repository, commit), ADAPTER)
        adapters[commit] = entry["md5"] if entry else None
    newest = commits[0]
    others = [commit for commit in commits if adapters[commit] not in (None, adapters[newest])]
    return (others or commits)[0], newest


def _answer(revision: str) -> bool:
    """Whether the tuned model of a revision is in this clone."""
    repository = Repository(HOUSE)
    try:
        model_files(repository, describe_commit(repository, revision), "tuned")
    except UserError:
        return False
    return True


def _compare(page: Any, url: str) -> None:
    page.goto(f"{url}/?baseline={_pair()[0]}&candidate={_pair()[1]}")
    page.get_by_role("table").first.wait_for()
    _settled(page)


def _samples(page: Any, url: str) -> None:
    """The page of the samples, or, where there is none of its own, the section of the comparison."""
    _compare(page, url)
    link = page.get_by_role("link", name="Samples", exact=True)
    if link.count():
        link.click()
        page.get_by_role("heading", level=1, name="Samples").wait_for()
        _settled(page)
    else:
        page.get_by_role("heading", name="Answers to the same prompt").evaluate("part => part.scrollIntoView()")


def _try(page: Any, url: str) -> None:
    """The tuned models of both revisions where both are here, else base and tuned model of the workspace."""
    old, new = _pair()
    query = f"?left={old}&left_model=tuned&right={new}&right_model=tuned" if _answer(old) and _answer(new) else ""
    page.goto(f"{url}/try{query}")
    page.get_by_role("button", name="Generate").and_(page.locator(":enabled")).click()
    page.get_by_text("Correct an answer and keep it").wait_for()
    page.mouse.move(0, 0)
    _settled(page)


PICTURES: dict[str, tuple[int, Callable[[Any, str], None]]] = {
    "compare": (1100, _compare),
    "samples": (1100, _samples),
    "try": (1150, _try),
}


def _take(browser: Any, url: str, name: str) -> None:
    height, open_page = PICTURES[name]
    page = browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme="light")
    page.set_default_timeout(PATIENCE_S * 1000)
    open_page(page, url)
    if page.get_by_text("This page failed").count():
        sys.exit(f"error: the page of {name} failed; the terminal says why")
    path = DOCS / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    page.close()
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(f"{path.relative_to(HOUSE)}: {WIDTH} x {height}, {path.stat().st_size >> 10} KiB")


def main() -> None:
    """Take the pictures that are named on the command line, or all."""
    names = sys.argv[1:] or list(PICTURES)
    if unknown := [name for name in names if name not in PICTURES]:
        sys.exit(f"error: no picture {unknown[0]!r}; there are {', '.join(PICTURES)}")
    chromium = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if chromium is None:
        sys.exit("error: no Chromium on the PATH. Install one (Debian: apt-get install chromium).")
    with _served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for name in names:
            _take(browser, url, name)
        browser.close()


if __name__ == "__main__":
    main()
