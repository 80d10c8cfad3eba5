"""What survives a change of page and a refresh, and what the button Back does, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.test_browser import _choose, _generate, _open, _settled, browser, chromium, served
from tests.support.sample_project import Project

__all__ = ["browser", "chromium", "served"]
pytestmark = pytest.mark.browser
SENT_MS = 1000
SLOWER = 8
INSTRUCTION = "Return the larger of two numbers."


def _visit(page: Any, name: str) -> None:
    """Open another page by its link at the top, when the server has received what was typed before."""
    page.wait_for_timeout(SENT_MS)
    _settled(page)
    page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
    page.get_by_role("heading", level=1, name=name).wait_for()
    _settled(page)


def _has_value(field: Any, value: str) -> None:
    """Wait until a field shows a value; a page that is drawn again shows it empty for a moment."""
    from playwright.sync_api import expect

    expect(field).to_have_value(value, timeout=20_000)


def _value(page: Any, label: str) -> str:
    return page.get_by_role("combobox", name=label, exact=True).input_value()


def test_the_pair_survives_and_back_is_one_page(browser: Any, serve: Callable[[Path], str], sample: Project) -> None:
    first, second = (sample.commits[name] for name in ("first", "hasty-lark"))
    page, _ = _open(browser, f"{serve(sample.root)}/compare?baseline={first}&candidate={second}")
    _settled(page)
    assert not page.get_by_role("dialog").count()
    for name in ("Samples", "Data", "Try", "Experiments", "Compare", "Samples"):
        _visit(page, name)
    assert f"baseline={first}&candidate={second}" in page.url
    assert "hasty-lark" in _value(page, "Candidate")
    for name in ("Compare", "Experiments", "Try"):
        page.go_back()
        page.get_by_role("heading", level=1, name=name).wait_for(timeout=8000)
        _settled(page)
    _visit(page, "Compare")
    _choose(page, "Candidate", "other-scale")
    page.wait_for_url(re.compile(f"candidate={sample.commits['other-scale']}"))
    _visit(page, "Samples")
    assert "other-scale" in _value(page, "Candidate")
    page.reload()
    page.get_by_role("heading", level=1).wait_for()
    _settled(page)
    assert "other-scale" in _value(page, "Candidate")


def test_filters_and_axes_survive(browser: Any, serve: Callable[[Path], str], sample: Project) -> None:
    page, _ = _open(browser, f"{serve(sample.root)}/experiments")
    _settled(page)
    _choose(page, "Y axis", "chrF")
    _settled(page)
    axis = _value(page, "Y axis")
    page.get_by_role("textbox", name="Search").fill("lark")
    page.keyboard.press("Enter")
    _settled(page)
    _visit(page, "Samples")
    _choose(page, "Order", "Most worsened first")
    _settled(page)
    _visit(page, "Experiments")
    for _ in range(2):
        _has_value(page.get_by_role("textbox", name="Search"), "lark")
        assert _value(page, "Y axis") == axis
        page.reload()
        page.get_by_role("heading", level=1).wait_for()
        _settled(page)
    _visit(page, "Samples")
    assert _value(page, "Order") == "Most worsened first"


def test_prompt_sampling_and_answers_survive(browser: Any, served: tuple[str, Project]) -> None:
    page, _ = _open(browser, f"{served[0]}/try")
    _settled(page)
    page.get_by_role("textbox", name="Instruction").fill(INSTRUCTION)
    page.keyboard.press("Control+Enter")
    _settled(page)
    page.get_by_text("Sampling").click()
    page.get_by_role("spinbutton", name="Max. new tokens").fill("9")
    page.keyboard.press("Tab")
    _settled(page)
    _generate(page).click()
    page.get_by_text("tokens/s").nth(1).wait_for()
    _generate(page).wait_for()
    page.get_by_role("textbox", name="Instruction").fill("Another one.")
    page.keyboard.press("Control+Enter")
    page.get_by_text(f"Answers to: {INSTRUCTION}").wait_for(timeout=8000)
    _visit(page, "Compare")
    _visit(page, "Try")
    for _ in range(2):
        _has_value(page.get_by_role("textbox", name="Instruction"), "Another one.")
        page.get_by_text("tokens/s").nth(1).wait_for()
        page.get_by_text(f"Answers to: {INSTRUCTION}").wait_for(timeout=8000)
        page.get_by_text("Sampling").click()
        _has_value(page.get_by_role("spinbutton", name="Max. new tokens"), "9")
        page.reload()
        page.get_by_role("heading", level=1).wait_for()
        _settled(page)


@pytest.mark.parametrize("held_ms", [0, 120])
def test_a_link_clicked_right_after_typing_loses_neither_text_nor_link(
    browser: Any, serve: Callable[[Path], str], sample: Project, held_ms: int
) -> None:
    page, _ = _open(browser, f"{serve(sample.root)}/experiments")
    _settled(page)
    page.wait_for_timeout(SENT_MS)
    # A slow machine, on which the page needs longer to send the text than the visitor to click.
    slowed = page.context.new_cdp_session(page)
    slowed.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("lark")
    page.get_by_test_id("stTopNavLink").filter(has_text="Data").click(delay=held_ms)
    page.wait_for_url("**/data*")
    slowed.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    page.get_by_role("heading", level=1, name="Data").wait_for()
    _visit(page, "Experiments")
    assert page.get_by_role("textbox", name="Search").input_value() == "lark"
