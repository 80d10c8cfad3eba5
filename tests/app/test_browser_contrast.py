"""The contrast of text against what is behind it, in both themes (WCAG 2.2, success criterion 1.4.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.test_browser import _open, _settled, browser, chromium, served
from tests.support.sample_project import Project

__all__ = ["browser", "chromium", "served"]
pytestmark = pytest.mark.browser
LEAST = 4.5
# The lowest contrast of the visible texts of each selector. A transparent background shows the one behind it.
CONTRAST = """selectors => {
    const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgb = (color, behind) => {
        paint.globalCompositeOperation = "source-over";
        for (const each of [behind, color]) { paint.fillStyle = each; paint.fillRect(0, 0, 1, 1); }
        return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const css = ([r, g, b]) => `rgb(${r},${g},${b})`;
    const light = parts => parts.map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = element => {
        const chain = [];
        for (let each = element; each; each = each.parentElement) chain.unshift(getComputedStyle(each).backgroundColor);
        return chain.reduce((below, color) => css(rgb(color, below)), "white");
    };
    const contrast = element => {
        const back = behind(element);
        const [dark, bright] = [light(rgb(back, "white")), light(rgb(getComputedStyle(element).color, back))].sort();
        return (Math.max(dark, bright) + 0.05) / (Math.min(dark, bright) + 0.05);
    };
    return Object.fromEntries(selectors.map(selector => {
        const found = [...document.querySelectorAll(selector)].filter(each => each.textContent.trim());
        return [selector, found.length ? Math.min(...found.map(contrast)) : null];
    }));
}"""
SELECTORS = {
    "": ["[data-testid=stCaptionContainer] p", ".ct td", ".ct thead th"],
    "samples": ["[data-testid=stCaptionContainer] p", ".stCode code span"],
    "try": ["[data-testid=stBaseButton-primary]:enabled p", ".stCode code span"],
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser: Any, served: tuple[str, Project], scheme: str) -> None:
    url, _ = served
    for name, selectors in SELECTORS.items():
        page, _ = _open(browser, f"{url}/{name}", scheme=scheme)
        _settled(page)
        page.locator(selectors[0]).first.wait_for()
        page.wait_for_timeout(1500)
        found = page.evaluate(CONTRAST, selectors)
        assert all(value is None or value >= LEAST for value in found.values()), (name, found)
        page.close()
