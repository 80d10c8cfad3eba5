"""One prompt at a time: instruction, reference and the answers side by side, with their scores."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from codetune.app.guard import literal
from codetune.revisions.catalogue import CATALOGUE, Metric
from codetune.revisions.comparison import AlignedPrompt, Comparison
from codetune.revisions.reports import Prompt, Role

F1 = CATALOGUE[0]
ORDERS = ("Most improved first", "Most worsened first", "Order of the test set")
EVERY = "All packages"
_SHOWN = [metric for metric in CATALOGUE if metric.key in ("bertscore.f1", "chrf", "syntax_valid", "stopped")]


def _moved(prompt: AlignedPrompt, *, single: bool) -> float:
    """How far F1 moved: from baseline to candidate, or from base to tuned where one revision is looked at."""
    key = F1.score or F1.key
    before = prompt.candidate_base if single else prompt.baseline_tuned
    return prompt.candidate_tuned.get(key, 0.0) - before.get(key, 0.0)


def ordered(prompts: list[AlignedPrompt], order: str, package: str, *, single: bool) -> list[AlignedPrompt]:
    """The prompts of one package, or of all, by how far their F1 moved."""
    chosen = [prompt for prompt in prompts if package in (EVERY, prompt.candidate.group)]
    if order == ORDERS[2]:
        return chosen
    sign = -1 if order == ORDERS[0] else 1
    return sorted(chosen, key=lambda prompt: sign * _moved(prompt, single=single))


def _score(metric: Metric, scores: Mapping[str, float], against: Mapping[str, float] | None) -> str:
    """One score of one answer, and how it differs from the answer it is compared with."""
    key = metric.score or metric.key
    value = scores.get(key)
    if value is None:
        return ""
    if metric.unit:
        words = {"syntax_valid": ("parses", "does not parse"), "stopped": ("ends by itself", "cut at the limit")}
        return words[key][0 if value else 1]
    before = None if against is None else against.get(key)
    moved = "" if before is None else f" ({metric.show(value - before, signed=True)})"
    return f"{metric.label.removeprefix('BERTScore ')} {metric.show(value)}{moved}"


def score_line(scores: Mapping[str, float], against: Mapping[str, float] | None = None) -> str:
    """The scores of an answer in one line; empty where it has none."""
    return " · ".join(part for part in (_score(metric, scores, against) for metric in _SHOWN) if part)


def _answer(title: str, text: str, caption: str) -> None:
    st.markdown(f"**{title}**")
    st.code(text or "(an empty answer)", language="python" if text else None, wrap_lines=True)
    st.caption(caption or "no scores")


def _prompt_label(prompt: AlignedPrompt, *, single: bool) -> str:
    moved = f" · F1 {F1.show(_moved(prompt, single=single), signed=True)}" if prompt.candidate_tuned else ""
    return f"{prompt.candidate.group} · {prompt.candidate.qualname}{moved}"


def _choose(prompts: list[AlignedPrompt], *, single: bool) -> AlignedPrompt | None:
    """The prompt that the user picks; the first of the order until then."""
    left, middle, right = st.columns([2, 2, 4])
    order = left.selectbox("Order", ORDERS, key="sample_order")
    packages = [EVERY, *sorted({prompt.candidate.group for prompt in prompts})]
    package = middle.selectbox("Package", packages, key="sample_package")
    by_id = {prompt.candidate.id: prompt for prompt in ordered(prompts, order, package, single=single)}
    picked = right.selectbox(
        f"Prompt (one of {len(by_id)})",
        list(by_id),
        format_func=lambda identifier: _prompt_label(by_id[identifier], single=single),
        key="sample_prompt",
    )
    return by_id.get(picked) if picked else None


def _text(prompt: Prompt, role: Role) -> str:
    answer = prompt.answers.get(role)
    return answer.text if answer else ""


def show_samples(comparison: Comparison) -> None:
    """Draw the section; a revision beside itself shows its base and its tuned model."""
    st.subheader("Answers to the same prompt")
    if not comparison.prompts:
        st.info("The two revisions have no answered prompt in common, so no answers can be put side by side.")
        return
    single = comparison.baseline is comparison.candidate
    prompt = _choose(comparison.prompts, single=single)
    if prompt is None:
        return
    after = prompt.candidate
    with st.container(border=True):
        st.caption("Instruction")
        st.markdown(literal(after.instruction))
    base = ("Base model", _text(after, "base"), score_line(prompt.candidate_base))
    reference = ("Reference", after.reference, f"{literal(after.path)} · {literal(after.qualname)}")
    if single:
        tuned = ("Tuned model", _text(after, "tuned"), score_line(prompt.candidate_tuned, prompt.candidate_base))
        cells = [reference, base, tuned]
    else:
        old, new = (literal(reports.revision.title) for reports in (comparison.baseline, comparison.candidate))
        cells = [
            reference,
            base,
            (f"Tuned, baseline {old}", _text(prompt.baseline, "tuned"), score_line(prompt.baseline_tuned)),
            (
                f"Tuned, candidate {new}",
                _text(after, "tuned"),
                score_line(prompt.candidate_tuned, prompt.baseline_tuned),
            ),
        ]
    for start in range(0, len(cells), 2):
        for column, cell in zip(st.columns(2), cells[start : start + 2], strict=False):
            with column:
                _answer(*cell)
