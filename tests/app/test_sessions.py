"""Ten people at once: each compares two revisions and asks two models, and each gets the own answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codetune.generation.sampling import SamplingSettings
from codetune.modeling.load import LoadedModel, load_model
from codetune.revisions.listing import require_revision
from codetune.revisions.models import model_files
from codetune.revisions.reports import Role
from codetune.revisions.repository import Repository
from codetune.serving.stream import stream_answers
from tests.app.test_browser import PATIENCE_MS, browser
from tests.sample_project import Project

__all__ = ["browser"]

SESSIONS = 10
# Four models in two pairs: as many as the page keeps.
PAIRS: list[dict[str, tuple[str, Role]]] = [
    {"left": ("workspace", "base"), "right": ("workspace", "tuned")},
    {"left": ("low", "tuned"), "right": ("high", "tuned")},
]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def instruction(session: int) -> str:
    return f"Write a Python function `f{session}` with parameter `n`. Returns {session} more than `n`."


def expected(project: Project, session: int, models: dict[tuple[str, Role], LoadedModel]) -> dict[str, str]:
    """What the two models of a session answer when nobody else asks."""
    repository = Repository(project.root)
    pair = PAIRS[session % 2]
    for name, role in pair.values():
        if (name, role) not in models:
            files = model_files(repository, require_revision(repository, name), role)
            models[name, role] = load_model(files.base, files.adapter, files.revision)
    chosen = {place: models[key] for place, key in pair.items()}
    texts = dict.fromkeys(pair, "")
    for event in stream_answers(chosen, instruction(session), SamplingSettings()):
        texts[event.name] += event.text_delta
    return texts


def _enabled(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name).and_(page.locator(":enabled"))


def test_ten_sessions_at_once_get_their_own_answers(
    browser: Any, serve: Callable[[Path], str], models: Project
) -> None:
    url = serve(models.root)
    pages = [browser.new_context().new_page() for _ in range(SESSIONS)]
    verdicts = ["The candidate is better on", "The candidate is worse on"]
    for session, page in enumerate(pages):
        page.set_default_timeout(2 * PATIENCE_MS)
        sides = [models.commits["first"], models.commits["second"]]
        old, new = sides if session % 2 == 0 else sides[::-1]
        page.goto(f"{url}/?baseline={old}&candidate={new}", wait_until="commit")
    for session, page in enumerate(pages):
        page.get_by_text(verdicts[session % 2]).wait_for()
    for session, page in enumerate(pages):
        query = "&".join(f"{side}={name}&{side}_model={role}" for side, (name, role) in PAIRS[session % 2].items())
        page.goto(f"{url}/try?{query}", wait_until="commit")
    for session, page in enumerate(pages):
        _enabled(page, "Generate").wait_for()
        page.get_by_role("textbox", name="Instruction").fill(instruction(session))
        page.keyboard.press("Control+Enter")
    for page in pages:
        page.get_by_text("Against the reference").wait_for(state="hidden")
        _enabled(page, "Generate").click()
    loaded: dict[tuple[str, Role], LoadedModel] = {}
    for session, page in enumerate(pages):
        page.get_by_text("Correct an answer and keep it").wait_for()
        assert page.get_by_test_id("stAlert").count() == 0, page.get_by_test_id("stAlert").first.inner_text()
        shown = page.locator("[data-testid=stColumn] [data-testid=stCode] code")
        texts = dict(zip(("left", "right"), (text.strip() for text in shown.all_text_contents()), strict=True))
        answers = expected(models, session, loaded)
        assert texts == {place: text.strip() for place, text in answers.items()}, f"session {session}"
        facts = page.get_by_text("tokens/s").all_inner_texts()
        assert len(facts) == 2
