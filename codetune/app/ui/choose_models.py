"""Choose the two models that answer. The choice is written into the address, by commit id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from codetune.app import project
from codetune.app.ui.address import is_link, write_query
from codetune.app.ui.choose import SHOWN_CHARS, linked_revision, revision_box
from codetune.app.ui.guard import escape_markdown
from codetune.history.listing import WORKSPACE, Revision
from codetune.history.reports import ROLES, Variant

PLACES: dict[str, Variant] = {"left": "base", "right": "tuned"}


@dataclass(frozen=True)
class Side:
    """One of the two models that answer.

    :param place: `left` or `right`.
    :param role: `base` or `tuned`.
    """

    place: str
    revision: Revision
    role: Variant

    @property
    def title(self) -> str:
        """Return the name to show."""
        return f"{self.role.capitalize()} model of {self.revision.title}"


def _model_query(place: str) -> str:
    return f"{place}_model"


def _role_of_link(place: str, default: Variant) -> Variant:
    text = st.query_params.get(_model_query(place), "") or default
    role = next((role for role in ROLES if role == text), None)
    if role is None:
        st.warning(f"The link names {escape_markdown(text[:SHOWN_CHARS])} as model; choose base or tuned.")
    return role or default


def _start(listed: list[Revision]) -> dict[str, tuple[Revision, Variant]]:
    """Return what to select when the page opens: what the link names, else the last choice, else the workspace."""
    first = {place: (WORKSPACE, role) for place, role in PLACES.items()}
    before: dict[str, tuple[Revision, Variant]] = st.session_state.get("models") or first
    return {
        place: (linked_revision(listed, place) or revision, _role_of_link(place, role))
        for place, (revision, role) in before.items()
    }


def _choose(column: Any, place: str, offered: list[Revision]) -> Side:
    name = place.capitalize()
    revision = revision_box(column, f"{name}: revision", f"{place}_revision", offered)
    role = column.radio(
        f"{name}: model",
        ROLES,
        format_func=str.capitalize,
        key=f"{place}_role",
        horizontal=True,
        label_visibility="collapsed",
    )
    return Side(place, revision, role)


def choose_models() -> list[Side]:
    """Draw the choosers.

    :returns: the two chosen models, left first.
    """
    listed = project.revisions()
    state = st.session_state
    if is_link([*PLACES, *map(_model_query, PLACES)]) or any(f"{place}_revision" not in state for place in PLACES):
        state["models"] = _start(listed)
        for place, (revision, role) in state["models"].items():
            state[f"{place}_revision"], state[f"{place}_role"] = revision.label, role
    offered = [*listed, *(revision for revision, _ in state["models"].values())]
    sides = [_choose(column, place, offered) for column, place in zip(st.columns(2), PLACES, strict=True)]
    state["models"] = {side.place: (side.revision, side.role) for side in sides}
    revisions = {side.place: side.revision.key for side in sides}
    write_query(revisions | {_model_query(side.place): side.role for side in sides})
    return sides
