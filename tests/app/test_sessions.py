"""Ten people at once: each compares two revisions and asks two models, and each gets their own answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from streamlit.proto.Markdown_pb2 import Markdown

from codetune.app.ui.answer_parts import parts_of, prose_markdown
from codetune.generation.sampling import SamplingSettings
from codetune.generation.stream import answer_ids
from codetune.history.listing import require_revision
from codetune.history.models import model_files
from codetune.history.reports import Variant
from codetune.history.repository import Repository
from codetune.models.load import LoadedModel, load_model
from codetune.models.prompt import completion_text, prompt_ids
from tests.app.session_client import Session
from tests.support.sample_project import Project

SESSIONS = 10
TOKENS = 40  # of an answer: enough for all answers to differ
# Four models in two pairs: as many as the page keeps.
PAIRS: list[dict[str, tuple[str, Variant]]] = [
    {"left": ("workspace", "base"), "right": ("workspace", "tuned")},
    {"left": ("low", "tuned"), "right": ("high", "tuned")},
]
VERDICTS = ("The candidate is better on", "The candidate is worse on")


def instruction(session: int) -> str:
    return f"Write a Python function `f{session}` with parameter `n`. Returns {session} more than `n`."


def expected(project: Project, session: int, loaded: dict[tuple[str, Variant], LoadedModel]) -> list[str]:
    """What the two models of a session answer when nobody else asks."""
    repository = Repository(project.root)
    pair = PAIRS[session % 2]
    for name, role in pair.values():
        if (name, role) not in loaded:
            files = model_files(repository, require_revision(repository, name), role)
            loaded[name, role] = load_model(files.base, files.adapter, files.revision)
    texts, limits = [], SamplingSettings(max_new_tokens=TOKENS)
    for key in pair.values():
        tokenizer = loaded[key].tokenizer
        ids = answer_ids(loaded[key], prompt_ids(tokenizer, instruction(session)), limits)
        texts.append(completion_text(tokenizer, ids))
    parts = [part for text in texts for part in parts_of(text, "python")]
    return [prose_markdown(part.text).strip() if part.language is None else part.text for part in parts]


def visit(url: str, commits: dict[str, str], session: int) -> tuple[str, list[str], list[str]]:
    """Compare and try: the verdict, the answers and whatever warnings there were."""
    visitor = Session(url)
    sides = [commits["first"], commits["second"]]
    old, new = sides if session % 2 == 0 else sides[::-1]
    visitor.run(query=f"baseline={old}&candidate={new}")
    verdict = next(part.body for part in visitor.all_of("markdown") if part.body.startswith("####"))
    alerts = [part.body for part in visitor.all_of("alert")]
    query = "&".join(f"{side}={name}&{side}_model={role}" for side, (name, role) in PAIRS[session % 2].items())
    visitor.run("try", query)
    written, limits = {"Instruction": instruction(session)}, {"Max. new tokens": TOKENS}
    visitor.run("try", query, written, limits)
    visitor.run("try", query, written, limits, press="Generate")
    alerts += [part.body for part in visitor.all_of("alert")]
    parts = [
        part for part in visitor.all_of("code", "markdown") if getattr(part, "element_type", 0) != Markdown.CAPTION
    ]
    shown = [getattr(part, "code_text", "") or part.body for part in parts]
    answers = [text for text in shown if not text.startswith("**")]  # the titles
    visitor.close()
    return verdict, answers, alerts


def test_ten_sessions_at_once_get_their_own_answers(serve: Callable[[Path], str], models: Project) -> None:
    url = serve(models.root)
    with ThreadPoolExecutor(SESSIONS) as together:
        found = list(together.map(lambda session: visit(url, models.commits, session), range(SESSIONS)))
    loaded: dict[tuple[str, Variant], LoadedModel] = {}
    for session, (verdict, answers, alerts) in enumerate(found):
        assert VERDICTS[session % 2] in verdict
        assert alerts == []
        assert answers == expected(models, session, loaded), f"session {session}"
    assert len({answer for _, answers, _ in found for answer in answers}) > SESSIONS, "the answers differ"
