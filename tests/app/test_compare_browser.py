"""Compare and Samples in a real browser: the figures of the command, and names of controls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import HOUSE
from tests.app.test_browser import _is_narrow, _nameless, _open, _picture, browser, chromium, shots
from tests.support.sample_project import Project

__all__ = ["browser", "chromium", "shots"]
pytestmark = pytest.mark.browser


@pytest.fixture
def project(copied_sample: Project, tiny_bert: Path) -> Project:
    """The sample with a changed workspace, whose parameters name an encoder that is here."""
    file = copied_sample.root / "params.yaml"
    encoder = f"{{model: {tiny_bert}, revision: null, layer: 1, baseline_pairs: 1}}"
    file.write_text(file.read_text().replace("score:\n", f"score:\n  bertscore: {encoder}\n"))
    return copied_sample


def _command(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "codetune", "compare", *arguments],
        cwd=root, env={**os.environ, "PYTHONPATH": str(HOUSE)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def _told(markdown: str) -> list[list[str]]:
    """The cells of the first table: metric, both values, difference, interval, p, detectable, verdict."""
    lines = [line for line in markdown.split("### Parameters", maxsplit=1)[0].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _shown(page: Any) -> list[list[str]]:
    """The same cells as they stand in the page's first table."""
    script = """table => [...table.tBodies[0].rows].map(row => [
        row.cells[0].firstChild.textContent,
        ...[...row.cells].slice(1).map(cell => (cell.firstChild.firstChild ?? cell).textContent)])"""
    return page.locator(".ct table").first.evaluate(script)


def test_a_link_shows_the_figures_of_the_command(browser: Any, serve: Callable[[Path], str], sample: Project) -> None:
    first, second = (sample.commits[name] for name in ("first", "hasty-lark"))
    page, elsewhere = _open(browser, f"{serve(sample.root)}/?baseline={first}&candidate={second}")
    page.get_by_role("cell", name="indistinguishable").first.wait_for()
    expected = []
    for name, old, new, difference, interval, _, least, verdict in _told(
        _command(sample.root, first, second, "--markdown")
    ):
        rest = (old, new, difference, interval, "" if verdict == "the same" else least)
        expected.append([name, *(cell or "\u2013" for cell in rest), verdict])
    shown = [[*row[:5], row[6], re.sub(r"^\W+", "", row[8])] for row in _shown(page)]
    without = [row for row in zip(shown, expected, strict=True) if row[1][-1] != "no interval"]
    assert len(without) > 10
    assert [row[0] for row in without] == [row[1] for row in without]

    assert elsewhere == []


def test_flips_between_two_experiments(
    browser: Any, serve: Callable[[Path], str], executed_sample: Project, shots: Path
) -> None:
    first, second = (executed_sample.commits[name] for name in ("few-rows", "more-rows"))
    page, elsewhere = _open(browser, f"{serve(executed_sample.root)}/?baseline={first}&candidate={second}")
    page.get_by_role("heading", name="Problems won and lost").wait_for()
    page.get_by_text("held_out: 3 won, 2 lost of 60 problems").wait_for()
    for name in ("descendants_8", "to_bool_1"):
        page.get_by_role("rowheader", name=name).wait_for()
    _picture(page, shots / "flips-light.png", 2500)
    assert _nameless(page) == []
    again, _ = _open(browser, page.url, width=400, scheme="dark")
    again.get_by_text("held_out: 3 won, 2 lost of 60 problems").wait_for()
    _picture(again, shots / "flips-dark-narrow.png", 4200)
    _is_narrow(again)
    assert elsewhere == []


def test_samples_in_a_browser(browser: Any, serve: Callable[[Path], str], project: Project, shots: Path) -> None:
    page, elsewhere = _open(browser, serve(project.root))
    page.get_by_role("link", name="Samples").click()
    page.get_by_role("heading", name="Samples").wait_for()
    chosen = page.get_by_role("combobox", name="Prompt (one of 60)")
    chosen.wait_for()
    page.wait_for_url("**prompt=**")
    before = page.url
    page.get_by_test_id("stDataFrame").click(position={"x": 120, "y": 35 * 4 + 17})  # the fourth row
    page.wait_for_url(lambda url: "prompt=" in url and url != before)
    page.get_by_text("Difference from the reference").click()
    page.locator("pre.difference ins").first.wait_for()

    page.get_by_role("button", name="Align the tokens").click()
    page.get_by_role("button", name="Next").click()  # the page does not wait for the encoder
    fifth = page.url
    page.wait_for_url(lambda url: url != fifth)
    page.get_by_role("button", name="Align the tokens").click()
    page.get_by_text("Raw precision").wait_for()
    _picture(page, shots / "samples-light.png", 2600)

    again, _ = _open(browser, page.url, width=400, scheme="dark")
    again.get_by_role("combobox", name="Prompt (one of 60)").wait_for()
    assert again.get_by_role("combobox", name="Prompt (one of 60)").input_value() == chosen.input_value()
    _picture(again, shots / "samples-dark-narrow.png", 3600)
    _is_narrow(again)
    assert _nameless(page) == []
    assert elsewhere == []
