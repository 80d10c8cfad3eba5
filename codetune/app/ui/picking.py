"""Choose prompts: the metric to order them by, the filters, and the prompt to show.

The page writes the shown prompt into the address, so that a link opens it.
"""

from __future__ import annotations

import streamlit as st

from codetune.app.ui.guard import escape_markdown
from codetune.compare.samples import Parsing, Sample, SampleFilter, ScoreChange
from codetune.evaluation.metrics.metric import Metric

ORDERS = ("Most improved first", "Most worsened first")
EVERY = "All"
LINK = "prompt"
_SHOWN_CHARS = 40
_MAX_TEXT = 200


def forget_sample() -> None:
    """Clear the selected prompt, so that the first prompt of the new order or selection is shown."""
    st.session_state.pop("sample_prompt", None)


def pick_metric(metrics: list[Metric]) -> tuple[Metric | None, bool]:
    """Draw the choosers of metric and order.

    :returns: the metric to order and judge prompts by, and whether the most worsened come first.
    """
    if not metrics:
        st.info("No metric was measured in the same way on both sides for every prompt, so prompts are not ordered.")
        return None, False
    left, right = st.columns(2)
    by_label = {metric.label: metric for metric in metrics}
    metric = left.selectbox("Change of", list(by_label), key="sample_metric", on_change=forget_sample)
    order = right.selectbox("Order", ORDERS, key="sample_order", on_change=forget_sample)
    return by_label[metric], order == ORDERS[1]


def pick_wanted(samples: list[Sample]) -> SampleFilter:
    """Draw the filters. Return which prompts to show."""
    columns = st.columns(4)
    packages = [EVERY, *sorted({sample.prompt.group for sample in samples})]
    package = columns[0].selectbox("Package", packages, key="sample_package", on_change=forget_sample)
    ways = {EVERY: None, **{way.value.capitalize(): way for way in ScoreChange}}
    way = columns[1].selectbox("The candidate is", list(ways), key="sample_way", on_change=forget_sample)
    parsings = {EVERY: None, **{parsing.value.capitalize(): parsing for parsing in Parsing}}
    parsing = columns[2].selectbox(
        "The candidate's answer", list(parsings), key="sample_parsing", on_change=forget_sample
    )
    text = columns[3].text_input(
        "Text",
        key="sample_text",
        max_chars=_MAX_TEXT,
        on_change=forget_sample,
        help="Searches the instruction, the name, the path, the reference and both answers.",
    )
    return SampleFilter("" if package == EVERY else package, ways[way], parsings[parsing], text.strip())


def _from_link(samples: list[Sample]) -> str | None:
    """Return the prompt id in the address; None if the page wrote it, or if a revision did not answer it."""
    text = st.query_params.get(LINK, "")
    if not text or text == st.session_state.get("sample_written"):
        return None
    if any(sample.prompt.id == text for sample in samples):
        return text
    st.warning(
        f"The link names the prompt {escape_markdown(text[:_SHOWN_CHARS])}, "
        "which these two revisions did not both answer."
    )
    return None


def sample_label(sample: Sample, metric: Metric | None) -> str:
    """Return a prompt in one line: package, function and the change of `metric`."""
    change = None if metric is None else sample.change(metric)
    moved = "" if metric is None or change is None else f" · {metric.label} {metric.show(change, signed=True)}"
    return f"{sample.prompt.group} · {sample.prompt.qualname}{moved}"


def _step(ids: list[str], places: int) -> None:
    place = ids.index(st.session_state["sample_prompt"]) + places
    st.session_state["sample_prompt"] = ids[place % len(ids)]


def pick_sample(samples: list[Sample], shown: list[Sample], metric: Metric | None) -> Sample:
    """Draw the chooser of the prompt to show.

    :param samples: all prompts.
    :param shown: the prompts that pass the filters.
    :returns: the prompt that the link names, else the one picked in the table or here, else the first of `shown`.
    """
    state = st.session_state
    by_id = {sample.prompt.id: sample for sample in shown}
    linked = _from_link(samples)
    if linked is not None and linked not in by_id:
        by_id[linked] = next(sample for sample in samples if sample.prompt.id == linked)
    if linked is not None:
        state["sample_prompt"] = linked
    if state.get("sample_prompt") not in by_id:
        state["sample_prompt"] = next(iter(by_id))
    ids = list(by_id)
    left, previous, following = st.columns([8, 1, 1], vertical_alignment="bottom")
    picked = left.selectbox(
        f"Prompt (one of {len(ids)})",
        ids,
        format_func=lambda identifier: sample_label(by_id[identifier], metric),
        key="sample_prompt",
        help="Type to search by package or function, or pick a row of the table.",
    )
    previous.button("Previous", icon=":material/chevron_left:", on_click=_step, args=(ids, -1), width="stretch")
    following.button("Next", icon=":material/chevron_right:", on_click=_step, args=(ids, 1), width="stretch")
    state["sample_written"] = picked
    return by_id[picked]
