"""The part of the page Try that keeps a corrected answer: what the correction begins with."""

from __future__ import annotations

import pytest

from codetune.app.ui import correction_form
from codetune.history.listing import Kind, Revision
from codetune.history.reports import Reports

CODE = "def f():\n    return 1"
FENCED = f"Sure:\n```python\n{CODE}\n```\nDone."


@pytest.mark.parametrize(
    ("task", "answer", "begins"),
    [
        ("python", CODE, CODE),
        ("python", FENCED, CODE),
        ("python", "def f(:", "def f(:"),
        ("python", "I cannot.", "I cannot."),
        ("text", FENCED, FENCED),
    ],
)
def test_a_correction_begins_with_the_code_of_a_fenced_answer(
    monkeypatch: pytest.MonkeyPatch, task: str, answer: str, begins: str
) -> None:
    state = {"corrected_side": "Left"}
    reports = Reports(Revision(Kind.WORKSPACE, "workspace"), params={"clean": {"task": task}})
    monkeypatch.setattr(correction_form.st, "session_state", state)
    monkeypatch.setattr(correction_form.project, "reports", lambda _: reports)
    correction_form._start_from({"Left": answer})
    assert state["correction"] == begins
