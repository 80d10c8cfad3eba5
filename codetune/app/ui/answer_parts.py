"""Draw an answer: its prose as Markdown, its code highlighted, and which part of it is scored."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import streamlit as st

from codetune.app.ui.guard import escape_markdown
from codetune.evaluation.answers import read_answer, segments
from codetune.models.answer_form import Task

_LANGUAGE = re.compile(r"[a-z0-9+#-]{1,20}")
_CLOSING = re.compile(r"\s*(?:`{3,}|~{3,})[ \t]*(?:\n|$)")
_MARKS = (  # escaped Markdown that is shown as Markdown again: list items and bold type
    (re.compile(r"^([ \t]*)\\([-*+] )", re.MULTILINE), r"\1\2"),
    (re.compile(r"^([ \t]*\d+)\\([.)] )", re.MULTILINE), r"\1\2"),
    (re.compile(r"\\\*\\\*(\S(?:.*?\S)?)\\\*\\\*"), r"**\1**"),
)


@dataclass(frozen=True)
class Part:
    """One part of an answer: prose or code.

    :param text: the text of the part, without fences.
    :param language: the language of code, empty where the answer names none; None for prose.
    :param scored: whether this part is scored.
    """

    text: str
    language: str | None
    scored: bool = False


def parts_of(answer: str, task: Task) -> list[Part]:
    """Split an answer into its parts, in order, without its fences.

    At most one part is scored; none is if the answer contains no code, or if the task is `text`.
    """
    found = read_answer(answer) if task == "python" else None
    if found and found.form == "bare":
        return [Part(answer, "python", scored=True)]
    if found and found.form in ("opened", "prose") and found.code in answer:
        before, _, after = answer.partition(found.code)
        return [*_split(before), Part(found.code, "python", scored=True), *_split(_CLOSING.sub("", after, count=1))]
    parts, code = _split(answer), found.code if found else ""
    scored = next((part for part in parts if code and part.language is not None and code in part.text), None)
    return [replace(part, scored=part is scored) for part in parts]


def _split(text: str) -> list[Part]:
    return [Part(part.text, part.language) for part in segments(text) if part.text.strip()]


def prose_markdown(text: str) -> str:
    """Return prose as Markdown that shows lists, bold type and code in backticks.

    All other characters are escaped, so that they appear as they were written.
    """
    shown = re.sub(
        r"^ {4,}", "   ", escape_markdown(text.expandtabs(4)), flags=re.MULTILINE
    )  # four spaces start a code block
    for mark, plain in _MARKS:
        shown = mark.sub(plain, shown)
    return re.sub(r"(?<=\S)\n(?=[ \t]*\S)", "  \n", shown)


def draw_answer(answer: str, task: Task, *, mark: bool = False) -> None:
    """Draw an answer.

    :param mark: show which part is scored, if that is not the whole answer.
    """
    parts = parts_of(answer, task)
    for part in parts:
        if mark and part.scored and len(parts) > 1:
            st.caption("This part is scored:")
        if part.language is None:
            st.markdown(prose_markdown(part.text))
        else:
            language = part.language if _LANGUAGE.fullmatch(part.language) else None
            st.code(part.text, language="python" if part.scored else language, wrap_lines=True)
    if mark and task == "python" and not any(part.scored for part in parts):
        st.caption("No code was found in this answer: it is scored as an empty one.")
