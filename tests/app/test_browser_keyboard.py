"""What a tooltip tells can be reached with the keyboard, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.app.test_browser import _open, _settled, browser, chromium
from tests.support.sample_project import Project

__all__ = ["browser", "chromium"]
pytestmark = pytest.mark.browser
DRAWN_MS = 1500
TRIES = 5
MIN_CHARS = 20


def _told_on_focus(page: Any, button: Any) -> str:
    """Move the focus to a button with the key Tab, and read its tooltip; a page that is drawn again closes it."""
    from playwright.sync_api import TimeoutError as TooLate

    for _ in range(TRIES):
        _settled(page)
        button.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        with suppress(TooLate):
            told = page.get_by_role("tooltip").inner_text(timeout=2500)
            page.keyboard.press("Escape")
            return str(told)
    return ""


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("", ["Baseline", "Candidate"]),
        ("experiments", ["Search", "Baseline"]),
        ("samples", ["Baseline", "Candidate", "Text", "Prompt (one of 60)"]),
        ("try", ["Left: revision", "Right: revision", "Engine"]),
    ],
)
def test_the_help_of_a_control_opens_with_the_keyboard(
    browser: Any, serve: Callable[[Path], str], sample: Project, name: str, labels: list[str]
) -> None:
    page, _ = _open(browser, f"{serve(sample.root)}/{name}")
    _settled(page)
    for label in labels:
        page.get_by_role("button", name=f"Help for {label}", exact=True).wait_for()
    page.wait_for_timeout(DRAWN_MS)
    helps = page.get_by_role("button", name="Help for")
    assert helps.evaluate_all("all => all.map(each => each.ariaLabel)") == [f"Help for {label}" for label in labels]
    for each in helps.all():
        assert len(_told_on_focus(page, each)) > MIN_CHARS


def test_the_values_of_a_plot_open_with_the_keyboard(
    browser: Any, serve: Callable[[Path], str], sample: Project
) -> None:
    page, _ = _open(browser, serve(sample.root), width=400)
    _settled(page)
    page.wait_for_timeout(DRAWN_MS)
    section = page.locator("details").filter(has_text="The values of this plot").first
    section.locator("summary").focus()
    page.keyboard.press("Enter")
    section.get_by_text("BERTScore F1", exact=True).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    # What cleans the HTML of the page keeps the roles.
    assert page.locator(".ct td[role=cell]").count() == page.locator(".ct td").count() > 0
