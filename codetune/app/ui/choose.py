"""Choose the two revisions.

A page writes the choice into the address by commit id, so that a link always opens the same revisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from codetune.app import project
from codetune.app.ui.address import is_link
from codetune.app.ui.guard import escape_markdown
from codetune.history.fetching import fetch_sentence
from codetune.history.listing import Revision, default_pair, find_revision

SIDES = ("baseline", "candidate")
SHOWN_CHARS = 60


def _swap() -> None:
    state = st.session_state
    state["baseline"], state["candidate"] = state["candidate"], state["baseline"]


def linked_revision(revisions: list[Revision], key: str) -> Revision | None:
    """Return the revision that the address names under `key`, or None if it names none.

    If this clone does not have the revision, a warning is shown and None is returned.
    """
    text = st.query_params.get(key, "")
    if not text:
        return None
    found = find_revision(project.repository(), revisions, text)
    if found is None:
        shown = escape_markdown(text[:SHOWN_CHARS])
        remedy = fetch_sentence(project.repository(), text)
        st.warning(f"The link names {shown} as {key}, which this clone does not have. {escape_markdown(remedy)}")
    return found


def revision_box(column: Any, label: str, key: str, offered: Iterable[Revision]) -> Revision:
    """Draw one chooser of a revision.

    :param column: the column to draw in.
    :param key: key of the session state that holds the choice, as the label of a revision.
    :param offered: the listed revisions and the one chosen before. The latter stays selectable, because a link may name
        an old commit, and a branch may move while the page is open.
    :returns: the chosen revision.
    """
    by_label = {revision.label: revision for revision in offered}
    told = "Type to search by name, message, author, date or commit id."
    return by_label[column.selectbox(label, list(by_label), key=key, help=told)]


def pair_query(baseline: Revision, candidate: Revision) -> dict[str, str]:
    """Return the query of an address that selects two revisions."""
    return dict(zip(SIDES, (baseline.key, candidate.key), strict=True))


def _start(revisions: list[Revision]) -> dict[str, Revision]:
    """Return what to select when the page opens: the revisions of the link, else the last choice, else the default."""
    before = st.session_state.get("chosen") or dict(
        zip(SIDES, default_pair(project.repository(), revisions), strict=True)
    )
    return {side: linked_revision(revisions, side) or before[side] for side in SIDES}


def choose_revisions() -> tuple[Revision, Revision]:
    """Draw the two choosers.

    :returns: the chosen baseline and candidate.
    """
    listed = project.revisions()
    state = st.session_state
    if is_link(SIDES) or any(side not in state for side in SIDES):
        state["chosen"] = _start(listed)
        for side, revision in state["chosen"].items():
            state[side] = revision.label
    offered = [*listed, *state["chosen"].values()]
    left, middle, right = st.columns([10, 3, 10], vertical_alignment="bottom")
    chosen = {
        side: revision_box(column, side.capitalize(), side, offered)
        for column, side in zip((left, right), SIDES, strict=True)
    }
    middle.button(
        "Swap", icon=":material/swap_horiz:", on_click=_swap, width="stretch", help="Swap baseline and candidate."
    )
    state["chosen"] = chosen
    return chosen["baseline"], chosen["candidate"]
