"""Take the screenshots of README.md and docs/ with Chromium: the web page with HEAD and an experiment on it.

Each screenshot is taken when its content has appeared, without a fixed delay. Colours are reduced to a palette, so that
the files in git stay small.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from PIL import Image

from benchmarks.page import PATIENCE_S, PROJECT_ROOT, chromium, ready, served, wait_until_drawn
from codetune.core.errors import UserError, run_as_command
from codetune.history.repository import Repository

DOCS = PROJECT_ROOT / "docs"
WIDTH = 1280
PALETTE = 128
EXPERIMENT = "attention"
CHANGES = ("train.lora.target_modules=attention",)


def _pair() -> tuple[str, str]:
    """Return the commit ids of HEAD and of the experiment `EXPERIMENT` on it, which is run if it does not exist."""
    repository = Repository(PROJECT_ROOT)
    [head] = repository.lines("rev-parse", "HEAD")
    reference = f"refs/exps/{head[:2]}/{head[2:]}/{EXPERIMENT}"
    if repository.resolve(reference) is None:
        changes = [part for change in CHANGES for part in ("--set-param", change)]
        command = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--name", EXPERIMENT, *changes]
        subprocess.run(command, cwd=PROJECT_ROOT, check=True)
    [experiment] = repository.lines("rev-parse", reference)
    return head, experiment


def _compare(page: Any, url: str) -> None:
    page.goto(f"{url}/?baseline={_pair()[0]}&candidate={_pair()[1]}")
    page.get_by_role("table").first.wait_for()
    wait_until_drawn(page)


def _samples(page: Any, url: str) -> None:
    page.goto(f"{url}/samples?baseline={_pair()[0]}&candidate={_pair()[1]}")
    page.get_by_role("button", name="Align the tokens").wait_for()
    wait_until_drawn(page)


def _try(page: Any, url: str) -> None:
    old, new = _pair()
    page.goto(f"{url}/try?left={old}&left_model=tuned&right={new}&right_model=tuned")
    ready(page, "Generate").click()
    page.get_by_text("Correct an answer and keep it").wait_for()
    page.mouse.move(0, 0)
    wait_until_drawn(page)


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
        raise UserError(f"the page of {name} failed", "See its message above.")
    path = DOCS / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    page.close()
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(f"{path.relative_to(PROJECT_ROOT)}: {WIDTH} x {height}, {path.stat().st_size >> 10} KiB")


def main() -> None:
    """Take the screenshots named on the command line, or all."""
    names = sys.argv[1:] or list(PICTURES)
    if unknown := [name for name in names if name not in PICTURES]:
        raise UserError(f"there is no screenshot {unknown[0]!r}", f"Choose from {', '.join(PICTURES)}.")
    with served() as (url, _), chromium() as browser:
        for name in names:
            _take(browser, url, name)


if __name__ == "__main__":
    run_as_command(main)
