"""The page Try: one instruction, answered by the base and by the tuned model at the same time."""

from __future__ import annotations

import streamlit as st

from codetune.app import project
from codetune.app.asking import Asked
from codetune.app.guard import guarded, literal
from codetune.app.models import available_models, loaded, threads_for
from codetune.generation.sampling import SamplingSettings
from codetune.revisions.listing import WORKSPACE
from codetune.revisions.reports import Prompt
from codetune.serving.stream import stream_answers

REFRESH_SECONDS = 0.06
MAX_EXAMPLES = 200
OWN = "Write your own"
FIRST_INSTRUCTION = (
    "Write a Python function `word_counts` with parameter `text`. Returns a dictionary that maps each word of `text` "
    "to how often it occurs."
)


def _examples() -> dict[str, Prompt]:
    """Prompts of the test set by what to call them."""
    prompts = list(project.reports(WORKSPACE).prompts.values())[:MAX_EXAMPLES]
    return {f"{prompt.group} · {prompt.qualname}": prompt for prompt in prompts}


def _take_example(examples: dict[str, Prompt]) -> None:
    picked = examples.get(st.session_state["example"])
    st.session_state["instruction"] = picked.instruction if picked else ""


def _instruction() -> tuple[str, Prompt | None]:
    """The instruction as it stands, and the example it came from where it was not edited."""
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
    text = st.text_area("Instruction", key="instruction", height=110, max_chars=4000)
    picked = examples.get(st.session_state["example"])
    return text, picked if picked and picked.instruction == text else None


def _settings() -> SamplingSettings:
    with st.expander("Sampling", icon=":material/tune:"):
        columns = st.columns(5)
        temperature = columns[0].number_input(
            "Temperature", 0.0, 2.0, 0.0, 0.1, help="0 takes the likeliest token each time (greedy), as in the reports."
        )
        greedy = temperature == 0
        top_p = columns[1].number_input(
            "Top-p", 0.05, 1.0, 1.0, 0.05, disabled=greedy, help="Sample from the likeliest tokens of this probability."
        )
        top_k = columns[2].number_input(
            "Top-k", 0, 1000, 0, disabled=greedy, help="Sample from this many of the likeliest tokens; 0: all."
        )
        tokens = columns[3].number_input("Max. new tokens", 1, 1024, 160, 16, help="Where an answer is cut.")
        seed = columns[4].number_input("Seed", 0, 2**31, 7, disabled=greedy, help="Same seed, same answer.")
    return SamplingSettings(float(temperature), float(top_p), int(top_k), int(tokens), int(seed))


def _ask(text: str, settings: SamplingSettings) -> None:
    models = {role: loaded(files) for role, files in available_models().items()}
    st.session_state["asked"] = Asked(stream_answers(models, text, settings), threads=threads_for(models.values()))


def _stop() -> None:
    st.session_state["asked"].stop()


def _answers(asked: Asked | None, roles: list[str]) -> None:
    """The answers side by side; while the models write, they are drawn again and again."""
    slots = {}
    for column, role in zip(st.columns(2), roles, strict=False):
        with column:
            st.markdown(f"**{role.capitalize()} model**")
            slots[role] = (st.empty(), st.empty())
    if asked is None:
        for _, caption in slots.values():
            caption.caption("The answer appears here.")
        return
    more = True
    while more:
        more = asked.running and asked.advance(REFRESH_SECONDS)
        for role, (code, caption) in slots.items():
            code.code(asked.texts.get(role) or " ", language="python", wrap_lines=True)
            caption.caption(asked.facts(role))


@guarded
def page() -> None:
    """Draw the page."""
    st.title("Try")
    roles = list(available_models())
    if not roles:
        st.info("There is no base model yet. Run `make repro`, or `git checkout models/base` if it was deleted.")
        return
    if "tuned" not in roles:
        st.info("There is no adapter yet, so only the base model answers. Run `make repro`, which trains it.")
    text, example = _instruction()
    settings = _settings()
    asked: Asked | None = st.session_state.get("asked")
    running = asked is not None and asked.running
    with st.container(horizontal=True):
        ask = st.button("Generate", type="primary", icon=":material/play_arrow:", disabled=running)
        st.button("Stop", icon=":material/stop:", on_click=_stop, disabled=not running)
    if ask:
        _ask(text, settings)
        st.rerun()
    area = st.container()
    if example is not None:  # before the answers, which take their time
        with st.expander("Reference", icon=":material/menu_book:"):
            st.code(example.reference, language="python", wrap_lines=True)
            st.caption(f"{literal(example.path)} · {literal(example.qualname)}")
    with area:
        _answers(asked, roles)
    if running:
        st.rerun()
