"""The page Try: one instruction, answered at the same time by two models of any two revisions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from codetune.app import project
from codetune.app.answer_progress import AnswerProgress
from codetune.app.models import find_model, open_models
from codetune.app.quick_scores import quick_line
from codetune.app.ui.answer_parts import draw_answer
from codetune.app.ui.choose_how import How, choose_how
from codetune.app.ui.choose_models import Side, choose_models
from codetune.app.ui.correction_form import forget_correction, show_correction_form
from codetune.app.ui.guard import escape_lines, escape_markdown, show_errors
from codetune.app.ui.parity_table import show_parity
from codetune.generation.engines.side_by_side import stream_answers
from codetune.history.listing import WORKSPACE
from codetune.history.models import ModelFiles
from codetune.history.reports import Prompt

REFRESH_SECONDS = 0.1
MAX_EXAMPLES = 200
OWN = "Write your own"
FIRST_INSTRUCTION = (
    "Write a Python function `word_counts` with parameter `text`. Returns a dictionary that maps each word of `text` "
    "to how often it occurs."
)


@dataclass(frozen=True)
class Question:
    """A question that was asked.

    :param sides: the models that were asked.
    :param instruction: the text of the question.
    :param example: the prompt of the test set that the instruction is from, or None.
    :param asked: the answers so far.
    :param engine: the line that says which engine answers.
    """

    sides: list[Side]
    instruction: str
    example: Prompt | None
    asked: AnswerProgress
    engine: str

    def ended(self) -> Question:
        """Return this question with the answers so far, for a session that does not generate them."""
        return replace(self, asked=self.asked.ended())


def _examples() -> dict[str, Prompt]:
    """Return prompts of the test set by their titles."""
    prompts = list(project.reports(WORKSPACE).prompts.values())[:MAX_EXAMPLES]
    return {f"{prompt.group} · {prompt.qualname}": prompt for prompt in prompts}


def _take_example(examples: dict[str, Prompt]) -> None:
    picked = examples.get(st.session_state["example"])
    st.session_state["instruction"] = picked.instruction if picked else ""


def _leave_example() -> None:
    st.session_state["example"] = OWN


def _instruction() -> tuple[str, Prompt | None]:
    """Return the instruction in the text box, and its example; an edited instruction has no example."""
    examples = _examples()
    if "instruction" not in st.session_state:
        first = next(iter(examples), OWN)
        st.session_state["example"] = first
        st.session_state["instruction"] = examples[first].instruction if examples else FIRST_INSTRUCTION
    if st.session_state.get("example") not in examples:
        st.session_state["example"] = OWN
    st.selectbox(
        "Example from the test set", [OWN, *examples], key="example", on_change=_take_example, args=(examples,)
    )
    text = st.text_area("Instruction", key="instruction", height=110, max_chars=4000, on_change=_leave_example)
    return text, examples.get(st.session_state["example"])


def _ask(sides: dict[Side, ModelFiles], text: str, example: Prompt | None, how: How) -> None:
    with st.spinner("Loading the models"):
        models = open_models({side.place: files for side, files in sides.items()}, how.engine, how.params)
    try:
        answers = stream_answers(models.asked, text, how.settings)
        task = project.reports(WORKSPACE).task
    except BaseException:
        models.close()
        raise

    def close(*, failed: bool) -> None:
        answers.close()
        models.close(failed=failed)

    asked = AnswerProgress(answers, threads=models.torch_threads, task=task, close=close)
    line = models.note or f"{models.engine} answers."
    st.session_state["question"] = Question(list(sides), text, example, asked, line)
    forget_correction()


def _stop() -> None:
    st.session_state["question"].asked.stop()


def _question(sides: list[Side]) -> Question | None:
    """Return the last question; None if other models are selected now, because its answers are not theirs."""
    question: Question | None = st.session_state.get("question")
    if question is None or all(side in sides for side in question.sides):
        return question
    question.asked.stop()
    del st.session_state["question"]
    return None


def _reference(example: Prompt) -> None:
    with st.expander("Reference", icon=":material/menu_book:"):
        st.code(example.reference, language="python", wrap_lines=True)
        st.caption(f"{escape_markdown(example.path)} · {escape_markdown(example.qualname)}")


def _facts(question: Question, place: str) -> str:
    """Return length, speed and end of an answer; with a reference and a complete answer, also its scores."""
    facts = question.asked.status_line(place)
    text = question.asked.texts.get(place, "")
    if question.example is None or question.asked.running or not text:
        return facts
    line = quick_line(text, question.example.reference, question.asked.task)
    return f"{facts}\n\nAgainst the reference: {line}"


def _answers(found: dict[Side, ModelFiles | str], question: Question | None) -> None:
    """Draw the answers side by side, again and again while the models generate."""
    if question is not None:
        st.caption(escape_markdown(question.engine))
    slots = {}
    if question is not None:
        st.markdown(f"**Answers to:** {escape_lines(question.instruction)}")
    for column, (side, model) in zip(st.columns(2), found.items(), strict=True):
        with column:
            st.markdown(f"**{escape_markdown(side.title)}**")
            if isinstance(model, str):
                st.info(escape_markdown(model))
            else:
                slots[side.place] = (st.empty(), st.empty())
    if question is None:
        for _, caption in slots.values():
            caption.caption("The answer appears here.")
        return
    more = True
    while more:
        more = question.asked.running and question.asked.advance(REFRESH_SECONDS)
        for place, (answer, caption) in slots.items():
            with answer.container():
                draw_answer(question.asked.texts.get(place, ""), question.asked.task)
            caption.caption(_facts(question, place))
    if question.asked.failure:
        st.error(escape_markdown(question.asked.failure))


@show_errors
def page() -> None:
    """Draw the page."""
    st.title("Try")
    text, example = _instruction()
    sides = choose_models()
    found = {side: find_model(side.revision, side.role) for side in sides}
    here = {side: model for side, model in found.items() if not isinstance(model, str)}
    how = choose_how()
    question = _question(sides)
    running = question is not None and question.asked.running
    with st.container(horizontal=True):
        ask = st.button("Generate", type="primary", icon=":material/play_arrow:", disabled=running or not here)
        st.button("Stop", icon=":material/stop:", on_click=_stop, disabled=not running)
    if ask:
        _ask(here, text, example, how)
        st.rerun()
    if example is not None:
        _reference(example)
    _answers(found, question)
    if running:
        st.rerun()
    if question is not None and not project.is_space():
        answers = {side: question.asked.texts.get(side.place, "") for side in question.sides}
        show_correction_form(question.instruction, answers)
    show_parity(project.reports(WORKSPACE))
