"""Choosing the two revisions; the choice is in the address, pinned by commit id, so that a link shows the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from codetune.app import project
from codetune.app.ui.guard import literal
from codetune.history.fetching import fetch_sentence
from codetune.history.listing import Revision, default_pair, find_revision

SIDES = ("baseline", "candidate")
SHOWN_CHARS = 60


def _swap() -> None:
    state = st.session_state
    state["baseline"], state["candidate"] = state["candidate"], state["baseline"]


def linked_revision(revisions: list[Revision], key: str) -> Revision | None:
    """The revision that the address names under `key`, if it names one that this clone has; else it is told."""
    text = st.query_params.get(key, "")
    if not text:
        return None
    found = find_revision(project.repository(), revisions, text)
    if found is None:
        shown = literal(text[:SHOWN_CHARS])
        remedy = fetch_sentence(project.repository(), text)
        st.warning(f"The link names {shown} as {key}, which this clone does not have. {literal(remedy)}")
    return found


def revision_box(column: Any, label: str, key: str, offered: Iterable[Revision]) -> Revision:
    """Draw one chooser; the revision chosen.

    :param column: where it is drawn.
    :param key: what the session knows the choice by, as a revision's label.
    :param offered: what is listed, and what was chosen before, which stays selectable: a link may name an old commit,
        and a branch may move while it is looked at.
    """
    by_label = {revision.label: revision for revision in offered}
    told = "Type to search by name, message, author, date or commit id."
    return by_label[column.selectbox(label, list(by_label), key=key, help=told)]


def _start(revisions: list[Revision]) -> dict[str, Revision]:
    """What to select when the page opens: the link's revisions, else those chosen before, else the default pair."""
    before = st.session_state.get("chosen") or dict(
        zip(SIDES, default_pair(project.repository(), revisions), strict=True)
    )
    return {side: linked_revision(revisions, side) or before[side] for side in SIDES}


def choose_revisions() -> tuple[Revision, Revision]:
    """Draw the two choosers; the revisions chosen."""
    listed = project.revisions()
    state = st.session_state
    if any(side not in state for side in SIDES):
        state["chosen"] = _start(listed)
        for side, revision in state["chosen"].items():
            state[side] = revision.label
    offered = [*listed, *state["chosen"].values()]
    left, middle, right = st.columns([10, 2, 10], vertical_alignment="bottom")
    chosen = {
        side: revision_box(column, side.capitalize(), side, offered)
        for column, side in zip((left, right), SIDES, strict=True)
    }
    middle.button(
        "Swap", icon=":material/swap_horiz:", on_click=_swap, width="stretch", help="Swap baseline and candidate."
    )
    state["chosen"] = chosen
    for side, revision in chosen.items():
        st.query_params[side] = revision.key
    return chosen["baseline"], chosen["candidate"]
