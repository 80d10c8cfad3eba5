"""What the pages show about the project. Results are cached and shared by all sessions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import streamlit as st

from codetune.compare.comparison import Comparison, compare
from codetune.compare.figures import Figures, Row, figures_of, load_rows
from codetune.compare.gather import data_changes as data_changes_of
from codetune.compare.wording import unfinished_sentence
from codetune.history.attempts import Attempt
from codetune.history.attempts import attempts as attempts_of
from codetune.history.listing import Revision, list_revisions
from codetune.history.reading import load_reports
from codetune.history.report_files import workspace_fingerprint
from codetune.history.reports import Reports
from codetune.history.repository import Repository
from codetune.history.running import running
from codetune.history.stages import LOCK_FILE, StageChanges, stage_changes
from codetune.history.unfinished import OutdatedStage, outdated_in_workspace

ROOT_VARIABLE = "CODETUNE_PROJECT"
SPACE_VARIABLE = "CODETUNE_SPACE"
# A new commit or a finished experiment appears in the list within this time.
LISTING_SECONDS = 5
MAX_REVISIONS_IN_MEMORY = 40
MAX_PROJECTS_IN_MEMORY = 4
# A ledger that is fetched while the page is open is found within this time.
LEDGER_SECONDS = 60


def project_root() -> Path:
    """Return the folder of the project: CODETUNE_PROJECT, or else the working directory."""
    return Path(os.environ.get(ROOT_VARIABLE) or ".").resolve()


def is_space() -> bool:
    """Return whether the page is a Space, which shows one exported model to visitors who may change nothing."""
    return bool(os.environ.get(SPACE_VARIABLE))


def repository() -> Repository:
    """Return the git repository of the project."""
    return Repository(project_root())


def revisions() -> list[Revision]:
    """Return all revisions that can be compared: the workspace, commits and experiments."""
    return _revisions(str(project_root()))


def reports(revision: Revision) -> Reports:
    """Return the reports of a revision; those of the workspace are read again when one of its files changes."""
    return _reports(str(project_root()), revision, _state(revision))


def comparison(baseline: Revision, candidate: Revision) -> Comparison:
    """Compare two revisions."""
    return _comparison(str(project_root()), baseline, candidate, (_state(baseline), _state(candidate)))


def unfinished() -> str:
    """Return a sentence on what is unfinished in the workspace: a run, or stages that have not run; empty if nothing.

    Reports of an unfinished workspace do not describe one model, so the pages do not compare them.
    """
    root = project_root()
    try:
        runs = running(root)
    except OSError:
        runs = []
    return unfinished_sentence(runs, _outdated(str(root), _lock_state()))


def rows() -> list[Row]:
    """Return the workspace and all commits and experiments with their figures; those of a commit are read once."""
    return load_rows(repository(), revisions(), _known_figures(str(project_root())))


def head() -> str | None:
    """Return the id of the commit HEAD; None outside a git repository, and before the first commit."""
    found = repository()
    return found.resolve("HEAD") if found.exists() else None


def attempts() -> list[Attempt]:
    """Return the experiments that wait in DVC's queue, and those that failed there."""
    return _attempts(str(project_root()))


def figures(commit: str) -> Figures:
    """Return the figures of one commit."""
    return figures_of(repository(), [commit], _known_figures(str(project_root())))[commit]


def stages(baseline: Revision, candidate: Revision) -> StageChanges:
    """Return which stages re-ran between two revisions, and why."""
    return _stages(str(project_root()), baseline, candidate, (_state(baseline), _state(candidate), _lock_state()))


def data_changes(baseline: Revision, candidate: Revision) -> tuple[str, dict[str, Any]]:
    """Return the rows of data that were added, removed or changed between two revisions.

    :returns: the changes as text, and as counts; the counts have the key `missing` if a ledger is not in this clone.
    """
    return _data_changes(str(project_root()), baseline.key, candidate.key, _lock_state())


def _lock_state() -> int:
    """Return when dvc.lock of the workspace was last written, in nanoseconds; 0 if it does not exist."""
    lock = project_root() / LOCK_FILE
    return lock.stat().st_mtime_ns if lock.is_file() else 0


def _state(revision: Revision) -> str:
    """Return a cache key that changes when the content of the revision changes."""
    return revision.commit or workspace_fingerprint(project_root())


@st.cache_data(ttl=LISTING_SECONDS, show_spinner=False)
def _revisions(root: str) -> list[Revision]:
    return list_revisions(Repository(Path(root)))


@st.cache_data(ttl=LISTING_SECONDS, show_spinner=False)
def _attempts(root: str) -> list[Attempt]:
    return attempts_of(Repository(Path(root)))


@st.cache_resource(max_entries=MAX_PROJECTS_IN_MEMORY, show_spinner=False)
def _known_figures(root: str) -> dict[str, Figures]:  # noqa: ARG001 - part of the cache's key
    return {}


@st.cache_resource(max_entries=MAX_REVISIONS_IN_MEMORY, show_spinner="Reading the reports")
def _reports(root: str, revision: Revision, state: str) -> Reports:  # noqa: ARG001 - part of the cache's key
    return load_reports(Repository(Path(root)), revision)


@st.cache_resource(max_entries=MAX_REVISIONS_IN_MEMORY, show_spinner="Comparing")
def _comparison(root: str, baseline: Revision, candidate: Revision, states: tuple[str, str]) -> Comparison:
    return compare(_reports(root, baseline, states[0]), _reports(root, candidate, states[1]))


@st.cache_data(max_entries=MAX_PROJECTS_IN_MEMORY, show_spinner=False)
def _outdated(root: str, state: int) -> list[OutdatedStage]:  # noqa: ARG001 - part of the cache's key
    return outdated_in_workspace(Repository(Path(root)))


@st.cache_data(max_entries=MAX_REVISIONS_IN_MEMORY, show_spinner=False)
def _stages(
    root: str,
    baseline: Revision,
    candidate: Revision,
    states: tuple[str, str, int],  # noqa: ARG001 - part of the cache's key
) -> StageChanges:
    return stage_changes(Repository(Path(root)), baseline, candidate)


@st.cache_data(max_entries=MAX_REVISIONS_IN_MEMORY, ttl=LEDGER_SECONDS, show_spinner="Reading both ledgers")
def _data_changes(root: str, before: str, after: str, state: int) -> tuple[str, dict[str, Any]]:  # noqa: ARG001
    return data_changes_of(Path(root), before, after)
