"""Draw one prompt: the instruction, the reference and the answers, as code or as differences from the reference."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from codetune.app.ui.answer_parts import draw_answer
from codetune.app.ui.guard import escape_lines, escape_markdown
from codetune.app.ui.token_map import show_tokens
from codetune.compare.comparison import Comparison
from codetune.compare.inline import Piece, inline_difference
from codetune.compare.samples import Sample, ScoredAnswer
from codetune.evaluation.metrics.metric import Metric
from codetune.evaluation.metrics.registry import catalogue
from codetune.models.answer_form import Task

VIEWS = ("As given", "Difference from the reference")
_TAGS = {"missing": "del", "extra": "ins"}


def difference_html(pieces: list[Piece]) -> str:
    """Return the difference of an answer from the reference as preformatted HTML.

    Text that only the answer has is underlined; text that it lacks is struck through.
    """
    parts = []
    for piece in pieces:
        tag, text = _TAGS.get(piece.kind), escape(piece.text)
        parts.append(f"<{tag}>{text}</{tag}>" if tag else text)
    return f'<div class="ct"><pre class="difference">{"".join(parts)}</pre></div>'


def _score(metric: Metric, scores: Mapping[str, float], against: Mapping[str, float]) -> str:
    """Return one score of one answer with its difference from the same score in `against`."""
    key = metric.score or metric.key
    value = scores.get(key)
    if value is None:
        return ""
    if metric.words:
        return metric.words[0 if value else 1]
    before = against.get(key)
    moved = "" if before is None else f" ({metric.show(value - before, signed=True)})"
    return f"{metric.label.removeprefix('BERTScore ')} {metric.show(value)}{moved}"


def score_line(scores: Mapping[str, float], against: Mapping[str, float] | None = None) -> str:
    """Return the scores of an answer in one line; empty if it has none.

    :param scores: the scores, by key.
    :param against: scores of another answer; each score is shown with its difference from these.
    """
    shown = [metric for metric in catalogue() if "python" in metric.lead or metric.words]
    return " · ".join(part for part in (_score(metric, scores, against or {}) for metric in shown) if part)


def _answer(
    title: str, answer: ScoredAnswer, reference: str, view: str, against: Mapping[str, float], task: Task
) -> None:
    st.markdown(f"**{title}**")
    if not answer.text:
        st.code("(an empty answer)", language=None)
    elif view == VIEWS[0]:
        draw_answer(answer.text, task, mark=answer.of_code)
    else:
        st.html(difference_html(inline_difference(reference, answer.scored)))
    tried = f" · docstring examples: {escape_markdown(answer.examples)}" if answer.examples else ""
    st.caption((score_line(answer.scores, against) or "no scores") + tried)


def _titles(comparison: Comparison) -> tuple[str, str]:
    if comparison.baseline is comparison.candidate:
        return "Base model", "Tuned model"
    old, new = (escape_markdown(reports.revision.title) for reports in (comparison.baseline, comparison.candidate))
    return f"Tuned, baseline {old}", f"Tuned, candidate {new}"


def show_sample(comparison: Comparison, sample: Sample, metrics: list[Metric]) -> None:
    """Draw one prompt with its answers.

    :param metrics: the metrics by which the two answers may be compared.
    """
    prompt, titles, task = sample.prompt, _titles(comparison), comparison.candidate.task
    with st.container(border=True):
        st.caption("Instruction")
        st.markdown(escape_lines(prompt.instruction))
    view = st.segmented_control("Show the answers as", VIEWS, default=VIEWS[0], key="sample_view", required=True)
    keys = {metric.score or metric.key for metric in metrics}
    before = {key: value for key, value in sample.before.scores.items() if key in keys}
    st.markdown("**Reference**")
    st.code(prompt.reference, language="python", wrap_lines=True)
    st.caption(f"{escape_markdown(prompt.path)} · {escape_markdown(prompt.qualname)} · {prompt.id}")
    left, right = st.columns(2)
    with left:
        _answer(titles[0], sample.before, prompt.reference, view or VIEWS[0], {}, task)
    with right:
        _answer(titles[1], sample.after, prompt.reference, view or VIEWS[0], before, task)
    if sample.base is not None:
        with st.columns(2)[0]:
            _answer("Base model of the candidate", sample.base, prompt.reference, view or VIEWS[0], {}, task)
    show_tokens(comparison, sample)
