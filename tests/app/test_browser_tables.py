"""Experiments and Data in a real browser: what a user would click through, with pictures to look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codetune.core.files import write_jsonl, write_text
from tests.app.test_browser import _is_narrow, _nameless, _open, _settled, _shoot, _unfold, browser, chromium, shots
from tests.ledger.conftest import write_data
from tests.ledger.test_overview import DATA, LEAKS
from tests.support.sample_project import Project
from tests.support.tables import instruction_row, paraphrase

__all__ = ["browser", "chromium", "shots"]

pytestmark = pytest.mark.browser
POLLS = 120
ROW_PX, HEAD_PX, MARK_PX = 35, 18, 17  # of Streamlit's table, which is drawn as a picture


def _select(page: Any, row: int) -> None:
    """Tick the box of a row, counted from 1, when the page has stopped moving."""
    table = page.get_by_test_id("stDataFrame")
    table.locator("canvas").first.wait_for()
    before = None
    for _ in range(POLLS):
        page.wait_for_timeout(500)
        busy = page.locator("[data-testid=stApp][data-test-script-state=running]").count()
        box = table.bounding_box()
        if box == before and not busy:
            break
        before = box
    page.mouse.click(box["x"] + MARK_PX, box["y"] + HEAD_PX + ROW_PX * row)


def _narrow(browser: Any, url: str, tab: str, path: Path) -> None:
    page, _ = _open(browser, url, width=400, scheme="dark")
    page.get_by_role("tab", name=tab).click()
    _settled(page)
    page.wait_for_timeout(1500)
    _shoot(page, path)
    _is_narrow(page)
    page.close()


def test_experiments_in_a_browser(browser: Any, serve: Callable[[Path], str], sample: Project, shots: Path) -> None:
    url = f"{serve(sample.root)}/experiments"
    page, elsewhere = _open(browser, url)
    page.locator("[data-testid=stVegaLiteChart] :is(canvas, svg)").first.wait_for()
    page.get_by_text("These figures were measured in 2 ways").wait_for()
    _select(page, 1)  # the first experiment
    command = page.get_by_text("dvc exp apply hasty-lark")
    command.wait_for(state="attached")
    _unfold(page, "Commands", command)
    _select(page, 2)
    link = page.get_by_role("link", name="Compare hasty-lark with other-scale")
    link.wait_for()
    page.get_by_role("tab", name="Parallel coordinates").click()
    page.set_viewport_size({"width": 1280, "height": 2000})
    page.wait_for_timeout(1000)
    _shoot(page, shots / "experiments-light.png")
    assert _nameless(page) == []

    link.click()
    page.get_by_role("heading", level=1, name="Compare").wait_for()
    page.get_by_text("bertscore was measured in two ways").wait_for()
    address = page.evaluate("location.href")
    assert f"baseline={sample.commits['hasty-lark']}&candidate={sample.commits['other-scale']}" in address
    _narrow(browser, url, "Scatter", shots / "experiments-dark-narrow.png")
    assert elsewhere == [], "the page must work without the network"


def test_data_in_a_browser(browser: Any, serve: Callable[[Path], str], copied_sample: Project, shots: Path) -> None:
    root = copied_sample.root
    write_data(root)
    write_text(root / "reports/data.json", json.dumps(DATA))
    write_text(root / "reports/leaks.json", json.dumps(LEAKS))
    bad = "<script>document.title = 'broken'</script>"
    rows = [instruction_row(f"{number:016x}", instruction=f"Row {number}. {bad}") for number in range(30)]
    write_jsonl(root / "data/clean/train.jsonl", rows)
    write_jsonl(root / "data/augmented/train.jsonl", [instruction_row(), paraphrase(instruction=bad)])
    url = f"{serve(root)}/data"
    page, elsewhere = _open(browser, url)
    page.get_by_text("it is test, example or benchmark code").wait_for()
    _shoot(page, shots / "data-light.png")

    page.get_by_role("tab", name="History of a row").click()
    page.get_by_role("textbox", name="Find a row").fill("Tree.dump")
    page.keyboard.press("Enter")
    page.get_by_text("91 lines, maximum 60").wait_for()
    again, _ = _open(browser, page.evaluate("location.href"))
    again.get_by_text("91 lines, maximum 60").wait_for()
    again.close()

    page.get_by_role("tab", name="Rows").click()
    page.get_by_text("Rows 1 to 20 of 30").wait_for()
    page.get_by_role("spinbutton", name="Page, of 2").fill("2")
    page.keyboard.press("Enter")
    page.get_by_text("Rows 21 to 30 of 30").wait_for()
    page.get_by_text("paraphrases of train").click()
    page.get_by_role("columnheader", name="Paraphrase").wait_for()
    cell = page.locator(".prose td:visible").last
    assert cell.evaluate("cell => getComputedStyle(cell).whiteSpace") == "pre-wrap", "the lines of an instruction stay"
    _shoot(page, shots / "data-paraphrases.png")
    assert page.title() == "Data · codetune"  # a script in a row would have changed it
    assert _nameless(page) == []
    _narrow(browser, url, "From raw to train", shots / "data-dark-narrow.png")
    assert elsewhere == [], "the page must work without the network"
