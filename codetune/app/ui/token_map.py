"""A heat map of the tokens that BERTScore matched, for one answer. Another process computes it on request."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import altair as alt
import streamlit as st

from codetune.app import project
from codetune.app.ui.charts import categorical_channel, chart
from codetune.app.ui.guard import escape_markdown, show_errors
from codetune.app.ui.tables import answer_match_table, match_table
from codetune.compare.comparison import Comparison
from codetune.compare.samples import Sample
from codetune.core.errors import UserError
from codetune.evaluation.alignment.result import Alignment
from codetune.evaluation.alignment.worker import AlignmentWorker
from codetune.evaluation.metrics.registry import F1

MAX_TOKENS_SHOWN = 80
CELL_PX = 16
REFRESH_SECONDS = 0.15
READING = (
    "Rows are the tokens of the reference, columns those of the answer. Brighter cells are more similar in context "
    "(cosine). A circle marks the best match of a token of the reference (recall is their mean), a square the best "
    "match of a token of the answer (precision)."
)


@st.cache_resource(show_spinner=False)
def _worker(root: str) -> tuple[AlignmentWorker, ThreadPoolExecutor]:
    return AlignmentWorker(Path(root)), ThreadPoolExecutor(1)


def token_chart(found: Alignment) -> Any:
    """Plot the heat map, with at most `MAX_TOKENS_SHOWN` tokens of each text."""
    rows, columns = (_labels(tokens) for tokens in (found.reference, found.answer))
    cells = [
        {"reference": row, "answer": column, "cosine": found.similarity[i][j]}
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]
    marks = [
        {"reference": rows[i], "answer": columns[j], "of": of}
        for of, pairs in (("reference", found.matches()), ("answer", found.answer_matches()))
        for i, j in pairs
        if i < len(rows) and j < len(columns)
    ]
    fine = {"labelLimit": 110, "labelFontSize": 10, "labelOverlap": False}
    x = alt.X("answer:N", sort=columns, axis=alt.Axis(title="Answer", orient="top", labelAngle=-60, **fine))
    y = alt.Y("reference:N", sort=rows, axis=alt.Axis(title=None, **fine))
    scale = alt.Scale(scheme="viridis", domain=[0, 1], clamp=True)
    color = alt.Color("cosine:Q", scale=scale, title="Cosine", legend=alt.Legend(orient="bottom"))
    told = ["reference:N", "answer:N", alt.Tooltip("cosine:Q", format=".3f")]
    heat = chart(cells).mark_rect().encode(x, y, color, tooltip=told)
    sides = ["reference", "answer"]
    shape = categorical_channel(alt.Shape, "of", sides, ("circle", "square"), None)
    size = categorical_channel(alt.Size, "of", sides, (40, 110), None)
    best = chart(marks).mark_point(filled=False, color="white", strokeWidth=1.5, opacity=1).encode(x, y, shape, size)
    return alt.layer(heat, best).properties(width=CELL_PX * len(columns), height=CELL_PX * len(rows))


def similarity_table(found: Alignment) -> dict[str, list[Any]]:
    """Return all similarities, with a row for each token of the reference and a column for each of the answer."""
    columns: dict[str, list[Any]] = {"Reference": _numbered(found.reference)}
    for place, name in enumerate(_numbered(found.answer)):
        columns[name] = [round(row[place], 3) for row in found.similarity]
    return columns


def _labels(tokens: list[str]) -> list[str]:
    return _numbered(tokens[:MAX_TOKENS_SHOWN])


def _numbered(tokens: list[str]) -> list[str]:
    """Return the tokens with their positions, so that equal tokens stay distinct."""
    return [f"{place} {token}" for place, token in enumerate(tokens, start=1)]


def _facts(found: Alignment, comparison: Comparison) -> str:
    parts = [f"Raw precision {found.precision:.4f}, recall {found.recall:.4f}, F1 {found.f1:.4f}."]
    longest = max(len(found.reference), len(found.answer))
    if longest > MAX_TOKENS_SHOWN:
        parts.append(f"The first {MAX_TOKENS_SHOWN} of {longest} tokens are shown.")
    scored = str(comparison.candidate.signatures.get(str(F1.signature), ""))
    if not scored.startswith(found.signature):
        parts.append("The encoder used here is not the one that scored this revision, so the values differ.")
    return " ".join(parts)


def _draw(found: Alignment, comparison: Comparison) -> None:
    with st.container(key="token_map"):
        told = f"Similarity of {len(found.reference)} tokens of the reference and {len(found.answer)} of the answer"
        st.altair_chart(token_chart(found), width="content", alt=told)
    st.caption(f"{escape_markdown(_facts(found, comparison))} {READING}")
    with st.expander("The matches as a list", icon=":material/list:"):
        st.html(match_table(found))
        st.html(answer_match_table(found))
    with st.expander("All similarities as a table", icon=":material/table:"):
        st.dataframe(similarity_table(found), hide_index=True, alt=f"{told}: rows are the tokens of the reference")


def _wait(future: Future[Alignment]) -> Alignment:
    """Wait for the result. Streamlit can interrupt the wait at each refresh, for example when the user leaves."""
    slot, start = st.empty(), time.monotonic()
    while not future.done():
        slot.caption(f"The encoder reads both texts \u2026 {time.monotonic() - start:.0f} s")
        time.sleep(REFRESH_SECONDS)
    slot.empty()
    return future.result()


@st.fragment
@show_errors
def show_tokens(comparison: Comparison, sample: Sample) -> None:
    """Draw the section: a button that starts the alignment, and its result."""
    st.subheader("Tokens that BERTScore matched")
    single = comparison.baseline is comparison.candidate
    sides = dict(
        zip(("Base", "Tuned") if single else ("Baseline", "Candidate"), (sample.before, sample.after), strict=True)
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side = st.segmented_control("Answer", list(sides), default=list(sides)[1], key="tokens_of", required=True)
        pressed = st.button("Align the tokens", icon=":material/grid_on:", key="align")
    section = comparison.candidate.params.get("score", {})
    bertscore = section.get("bertscore", {}) if isinstance(section, dict) else {}
    asked = (str(bertscore), sample.prompt.reference, sides[side or list(sides)[1]].scored)
    if pressed:
        worker, pool = _worker(str(project.project_root()))
        st.session_state["alignment"] = (asked, pool.submit(worker.align, bertscore, *asked[1:]))
    before, future = st.session_state.get("alignment", (None, None))
    if before != asked or future is None:
        st.caption("Press the button to start the encoder. The first time takes some seconds.")
        return
    try:
        found = _wait(future)
    except UserError as error:
        st.info(escape_markdown(str(error)))
        return
    _draw(found, comparison)
