"""The part of the page Try that saves a corrected answer, so that the next training learns from it."""

from __future__ import annotations

import streamlit as st

from codetune.app import project
from codetune.app.feedback import FEEDBACK, MAX_CHARS, PARAMS_SNIPPET, Correction, is_held_out, is_source, keep
from codetune.app.ui.choose_models import Side
from codetune.app.ui.guard import escape_markdown
from codetune.evaluation.answers import read_answer
from codetune.evaluation.metrics.syntax import syntax_valid
from codetune.history.listing import WORKSPACE

_STATE = ("corrected_side", "correction", "kept")
HELD_OUT = (
    "This prompt is from the test set. A model that learned its answer could no longer be measured with it. Write an "
    "instruction of your own, and correct the answer to that."
)


def forget_correction() -> None:
    """Delete the correction in the session, before a new answer is generated."""
    for key in _STATE:
        st.session_state.pop(key, None)


def _start_from(texts: dict[str, str]) -> None:
    """Fill the text box with the answer; with only its code if it is fenced, because training rows have no fences."""
    text = texts[st.session_state["corrected_side"]]
    found = read_answer(text)
    fenced = found.form in ("fenced", "opened") and project.reports(WORKSPACE).task == "python"
    st.session_state["correction"] = found.code if fenced else text


def show_correction_form(instruction: str, answers: dict[Side, str]) -> None:
    """Draw the part that corrects and saves an answer.

    :param instruction: the question that was asked.
    :param answers: the answers to `instruction`, by model.
    """
    with st.expander("Correct an answer and keep it", icon=":material/edit_note:"):
        prompts = project.reports(WORKSPACE).prompts.values()
        if is_held_out(instruction, [prompt.instruction for prompt in prompts]):
            st.caption(HELD_OUT)
            return
        sides = {f"{side.place.capitalize()}: {side.title}": side for side in answers}
        texts = {name: answers[side] for name, side in sides.items()}
        if st.session_state.get("corrected_side") not in sides:
            st.session_state["corrected_side"] = next(reversed(sides))
        if "correction" not in st.session_state:
            _start_from(texts)
        name = st.selectbox(
            "Answer to correct", list(sides), key="corrected_side", on_change=_start_from, args=(texts,)
        )
        text = st.text_area("Corrected answer", key="correction", height=220, max_chars=MAX_CHARS)
        st.caption("It parses." if syntax_valid(text) else "It does not parse as Python.")
        if st.button("Keep", icon=":material/save:"):
            side = sides[name]
            _keep(Correction(instruction, text, texts[name], side.role, side.revision.key))
        if said := st.session_state.get("kept"):
            st.success(said)
            _next_step()


def _keep(correction: Correction) -> None:
    kept = keep(project.project_root(), correction)
    rows = "1 row" if kept.rows == 1 else f"{kept.rows} rows"
    told = "Kept" if kept.new else "It was kept before"
    st.session_state["kept"] = f"{told}: `{FEEDBACK}` has {rows}."


def _next_step() -> None:
    """Draw what to do so that the next run learns from the saved rows."""
    if is_source(project.project_root()):
        st.caption(escape_markdown("The next `dvc repro` learns from it. Commit the file together with the results."))
        return
    st.caption(
        escape_markdown("Add this source to `ingest.sources` in `params.yaml`; the next `dvc repro` learns from it:")
    )
    st.code(PARAMS_SNIPPET, language="yaml")
