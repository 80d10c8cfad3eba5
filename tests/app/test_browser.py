"""The page in a real browser: what a user would click through, with pictures to look at if CODETUNE_SHOTS is set."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from codetune.app.feedback import read_feedback
from tests.support.sample_project import Project, add_models

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 60_000
PICTURES = os.environ.get("CODETUNE_SHOTS")
pytestmark = pytest.mark.browser
UNFOLDINGS = 10
CONTROLS = "button|combobox|textbox|link|tab|radio|checkbox|spinbutton|slider|switch|searchbox"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A Chromium; without one the tests are skipped, or fail where CODETUNE_REQUIRE_BROWSER is 1."""
    if CHROMIUM is None:
        reason = "no chromium on the PATH (Debian: apt-get install chromium)"
        if os.environ.get("CODETUNE_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """A profile of the browser for one test, in which no other test has left anything."""
    context = chromium.new_context(reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture(scope="module")
def served(
    serve: Callable[[Path], str], sample: Project, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Project]:
    """The sample project with models that talk long enough to be stopped, and its address.

    All tests of this file share it; only one of them writes to it.
    """
    root = tmp_path_factory.mktemp("served") / "project"
    shutil.copytree(sample.root, root)
    add_models(root, tiny_base)
    config = root / "models" / "base" / "config.json"
    content = json.loads(config.read_text())
    config.write_text(json.dumps({**content, "max_position_embeddings": 100_000}))
    return serve(root), Project(root, sample.commits)


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where pictures go: the folder that CODETUNE_SHOTS names; without it none are taken."""
    folder = Path(PICTURES or tmp_path / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _open(browser: Any, url: str, *, width: int = 1280, scheme: str = "light") -> tuple[Any, list[str]]:
    """A page with the address open, and the list that collects requests to anywhere else."""
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.set_default_timeout(PATIENCE_MS)
    elsewhere: list[str] = []
    home = url.split("/")[2]
    page.on("request", lambda request: None if home in request.url else elsewhere.append(request.url))
    page.goto(url)
    page.get_by_role("heading", level=1).wait_for()
    return page, elsewhere


def _settled(page: Any) -> None:
    """Waits until the page has been drawn: what is typed before may be drawn over."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def _picture(page: Any, path: Path, height: int) -> None:
    """Wait until the page is drawn. Where pictures are wanted, take one from its top: it scrolls inside, so the window
    has to be made as high.
    """
    _settled(page)
    if PICTURES:
        page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    if page.get_by_test_id("stVegaLiteChart").count():
        page.locator("[data-testid=stVegaLiteChart]:visible :is(canvas, svg)").first.wait_for()
    if page.get_by_test_id("stCode").count():
        page.locator("[data-testid=stCode] code").first.wait_for(state="attached")
    _shoot(page, path)


def _shoot(page: Any, path: Path) -> None:
    """Where pictures are wanted, take one when the page has stopped moving."""
    if PICTURES:
        page.wait_for_timeout(500)
        page.screenshot(path=path)


def _choose(page: Any, label: str, words: str) -> None:
    """Type into a chooser, as a user searches, and take what is found."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(words)
    page.get_by_role("option").first.click()


@pytest.mark.parametrize("width", [1024, 1280])
def test_no_column_of_compare_is_cut_off(
    browser: Any, serve: Callable[[Path], str], sample: Project, width: int
) -> None:
    page, _ = _open(browser, serve(sample.root), width=width)
    page.get_by_role("cell", name="better").nth(5).wait_for()
    tables = page.locator(".ct:visible").evaluate_all("all => all.map(each => [each.scrollWidth, each.clientWidth])")
    assert tables
    assert all(whole <= shown for whole, shown in tables), tables
    swap = "button => [...button.querySelectorAll('p')].map(each => each.scrollWidth - each.clientWidth)"
    assert page.get_by_role("button", name="Swap").evaluate(swap) == [0]


def test_compare_in_a_browser(browser: Any, served: tuple[str, Project], shots: Path) -> None:
    url, project = served
    page, elsewhere = _open(browser, url)
    page.get_by_text("The candidate is better on").wait_for()
    page.get_by_role("cell", name="better").nth(5).wait_for()
    _picture(page, shots / "compare-light.png", 2500)

    _choose(page, "Candidate", "hasty-lark")
    _choose(page, "Baseline", "Describe the project")
    page.get_by_text("The candidate is worse on").wait_for()
    assert project.commits["hasty-lark"] in page.url
    assert page.title() == "Compare · codetune"  # a script in an instruction would have changed it

    again, _ = _open(browser, page.url, width=400, scheme="dark")
    again.get_by_text("The candidate is worse on").wait_for()
    _picture(again, shots / "compare-dark-narrow.png", 4800)
    _is_narrow(again)
    assert _nameless(page) == []
    assert elsewhere == [], "the page must work without the network"


def _generate(page: Any) -> Any:
    return page.get_by_role("button", name="Generate").and_(page.locator(":enabled"))


def test_try_in_a_browser(browser: Any, served: tuple[str, Project], shots: Path) -> None:
    page, elsewhere = _open(browser, f"{served[0]}/try")
    page.get_by_role("button", name="Generate").click()
    page.get_by_text("tokens/s").nth(1).wait_for()
    _generate(page).wait_for()
    _picture(page, shots / "try-light.png", 1400)
    assert page.get_by_text("160 tokens").count() + page.get_by_text("ended by itself").count() >= 2
    page.get_by_text("Against the reference: chrF").first.wait_for()
    page.get_by_text("torch answers, because the engine llama.cpp needs a GGUF file").wait_for()

    page.get_by_text("Sampling").click()
    page.get_by_role("spinbutton", name="Max. new tokens").fill("1024")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("button", name="Stop").click()  # waits until it is enabled
    page.get_by_text("stopped before the end").or_(page.get_by_text("stopped before the first token")).first.wait_for()
    _generate(page).wait_for()
    _picture(page, shots / "try-stopped.png", 1400)
    assert elsewhere == []


def _unfold(page: Any, label: str, inside: Any) -> None:
    """Open a section until what is inside can be seen: a page that is still being drawn may draw it closed again."""
    from playwright.sync_api import TimeoutError as TooLate

    section = page.locator("details").filter(has=page.get_by_text(label, exact=True))
    for _ in range(UNFOLDINGS):
        _settled(page)
        if section.get_attribute("open") is None:  # what is open, and slow to show, a click would close again
            page.get_by_text(label, exact=True).click()
        with suppress(TooLate):
            inside.wait_for(timeout=1500)
            return
    inside.wait_for()


def test_a_corrected_answer_is_kept_in_a_browser(browser: Any, served: tuple[str, Project], shots: Path) -> None:
    url, project = served
    page, elsewhere = _open(browser, f"{url}/try", width=400, scheme="dark")
    _settled(page)
    page.get_by_role("textbox", name="Instruction").fill("Write `<script>document.title='hacked'</script>`.")
    page.keyboard.press("Control+Enter")
    from playwright.sync_api import expect

    example = page.get_by_role("combobox", name="Example from the test set")
    expect(example).to_have_value("Write your own", timeout=PATIENCE_MS)
    _generate(page).click()
    _unfold(page, "Correct an answer and keep it", page.get_by_role("textbox", name="Corrected answer"))
    page.get_by_role("textbox", name="Corrected answer").fill("def kept(n):\n    return '<b>' * n")
    page.keyboard.press("Control+Enter")
    page.get_by_text("It parses.").wait_for()
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("has 1 row").wait_for()
    _picture(page, shots / "kept-dark-narrow.png", 2600)
    (row,) = read_feedback(project.root)
    assert row["completion"] == "def kept(n):\n    return '<b>' * n"
    assert row["instruction"] == "Write `<script>document.title='hacked'</script>`."
    assert page.title() == "Try · codetune"
    _is_narrow(page)
    assert _nameless(page) == []
    assert elsewhere == []


def _is_narrow(page: Any) -> None:
    """Fails where the page is wider than its window."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= page.viewport_size["width"], "the narrow page scrolls sideways"


def _nameless(page: Any) -> list[str]:
    """Controls that a screen reader could not name."""
    lines = page.get_by_test_id("stMain").aria_snapshot().splitlines()
    return [line.strip() for line in lines if re.match(rf'\s*- ({CONTROLS})\b(?! "\S)', line)]
