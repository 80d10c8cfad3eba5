"""What the pages know of the project, each thing computed once and shared by all sessions."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from codetune.revisions.comparison import Comparison, compare
from codetune.revisions.figures import Figures, Row, figures_of, load_rows
from codetune.revisions.listing import Revision, list_revisions
from codetune.revisions.reports import Reports, load_reports, workspace_fingerprint
from codetune.revisions.repository import Repository

ROOT_VARIABLE = "CODETUNE_PROJECT"
# A commit just made or an experiment just finished appears within this time.
LISTING_SECONDS = 5
MAX_REVISIONS_IN_MEMORY = 40
MAX_PROJECTS_IN_MEMORY = 4


def project_root() -> Path:
    """The folder of the project: where the page was started, or what CODETUNE_PROJECT names."""
    return Path(os.environ.get(ROOT_VARIABLE) or ".").resolve()


def repository() -> Repository:
    """The project's git repository."""
    return Repository(project_root())


def revisions() -> list[Revision]:
    """Everything there is to compare."""
    return _revisions(str(project_root()))


def reports(revision: Revision) -> Reports:
    """What a revision reported; a commit is read once, the workspace whenever a file of it has changed."""
    return _reports(str(project_root()), revision, _state(revision))


def comparison(baseline: Revision, candidate: Revision) -> Comparison:
    """Two revisions side by side."""
    return _comparison(str(project_root()), baseline, candidate, (_state(baseline), _state(candidate)))


def rows() -> list[Row]:
    """All commits and experiments, and the workspace, with their figures; those of a commit are read once."""
    return load_rows(repository(), revisions(), _known_figures(str(project_root())))


def figures(commit: str) -> Figures:
    """The figures of one commit."""
    return figures_of(repository(), [commit], _known_figures(str(project_root())))[commit]


def _state(revision: Revision) -> str:
    """A text that changes with the revision's content: the key to what is kept of it."""
    return revision.commit or workspace_fingerprint(project_root())


@st.cache_data(ttl=LISTING_SECONDS, show_spinner=False)
def _revisions(root: str) -> list[Revision]:
    return list_revisions(Repository(Path(root)))


@st.cache_resource(max_entries=MAX_PROJECTS_IN_MEMORY, show_spinner=False)
def _known_figures(root: str) -> dict[str, Figures]:  # noqa: ARG001 - part of the cache's key
    return {}


@st.cache_resource(max_entries=MAX_REVISIONS_IN_MEMORY, show_spinner="Reading the reports")
def _reports(root: str, revision: Revision, state: str) -> Reports:  # noqa: ARG001 - part of the cache's key
    return load_reports(Repository(Path(root)), revision)


@st.cache_resource(max_entries=MAX_REVISIONS_IN_MEMORY, show_spinner="Comparing")
def _comparison(root: str, baseline: Revision, candidate: Revision, states: tuple[str, str]) -> Comparison:
    return compare(_reports(root, baseline, states[0]), _reports(root, candidate, states[1]))
