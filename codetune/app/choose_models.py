"""Choosing the two models that answer; the choice is in the address, pinned by commit id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from codetune.app import project
from codetune.app.choose import linked_revision
from codetune.app.guard import literal
from codetune.revisions.listing import WORKSPACE, Revision
from codetune.revisions.reports import ROLES, Role

PLACES: dict[str, Role] = {"left": "base", "right": "tuned"}
_SHOWN_CHARS = 60


@dataclass(frozen=True)
class Side:
    """One of the two models that answer."""

    place: str
    revision: Revision
    role: Role

    @property
    def title(self) -> str:
        """What to call it."""
        return f"{self.role.capitalize()} model of {self.revision.title}"


def _role_of_link(place: str, default: Role) -> Role:
    text = st.query_params.get(f"{place}_model", "") or default
    role = next((role for role in ROLES if role == text), None)
    if role is None:
        st.warning(f"The link names {literal(text[:_SHOWN_CHARS])} as model; there are base and tuned.")
    return role or default


def _start(listed: list[Revision]) -> dict[str, tuple[Revision, Role]]:
    """What is selected when the page opens: what was chosen before, else what the link says."""
    before: dict[str, tuple[Revision, Role]] | None = st.session_state.get("models")
    return before or {
        place: (linked_revision(listed, place) or WORKSPACE, _role_of_link(place, role))
        for place, role in PLACES.items()
    }


def _choose(column: Any, place: str, labels: list[str]) -> None:
    name = place.capitalize()
    column.selectbox(
        f"{name}: revision",
        labels,
        key=f"{place}_revision",
        help="Type to search by name, message, author, date or commit id.",
    )
    column.radio(
        f"{name}: model",
        ROLES,
        format_func=str.capitalize,
        key=f"{place}_role",
        horizontal=True,
        label_visibility="collapsed",
    )


def choose_models() -> list[Side]:
    """Draw the choosers; the two models chosen."""
    listed = project.revisions()
    state = st.session_state
    if any(f"{place}_revision" not in state for place in PLACES):
        state["models"] = _start(listed)
        for place, (revision, role) in state["models"].items():
            state[f"{place}_revision"], state[f"{place}_role"] = revision.label, role
    # What is chosen stays selectable: a link may name an old commit, and a branch may move while it is looked at.
    by_label = {revision.label: revision for revision in [*listed, *(chosen for chosen, _ in state["models"].values())]}
    for column, place in zip(st.columns(2), PLACES, strict=True):
        _choose(column, place, list(by_label))
    sides = [Side(place, by_label[state[f"{place}_revision"]], state[f"{place}_role"]) for place in PLACES]
    state["models"] = {side.place: (side.revision, side.role) for side in sides}
    for side in sides:
        st.query_params[side.place] = side.revision.key
        st.query_params[f"{side.place}_model"] = side.role
    return sides
