"""List the revisions of the project: workspace, branches, tags, DVC experiments and commits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from codetune.core.errors import UserError
from codetune.history.fetching import fetch_sentence
from codetune.history.repository import Repository

WORKSPACE_KEY = "workspace"
MAX_COMMITS = 500
# The paths that a comparison reads. Changes to other files cannot change a comparison.
COMPARED_PATHS = ("reports", "params.yaml")
# DVC keeps experiments as refs/exps/<2 hex>/<38 hex of the parent commit>/<name> (dvc/repo/experiments/refs.py);
# refs/exps/{stash,exec,celery,apply,temp} are its own bookkeeping.
_EXPERIMENT = re.compile(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/([^/]+)")
_FACTS = ("subject", "authorname", "authordate:iso-strict")
_FIELDS = ("refname", "objectname", "*objectname", *_FACTS, *(f"*{fact}" for fact in _FACTS))
_FORMAT = "%00".join(f"%({field})" for field in _FIELDS)
_COMMIT_FORMAT = "--format=%H%x00%an%x00%aI%x00%s"


class Kind(Enum):
    """Kinds of revision, in the order in which the page lists them."""

    WORKSPACE = "workspace"
    BRANCH = "branch"
    TAG = "tag"
    EXPERIMENT = "experiment"
    COMMIT = "commit"


@dataclass(frozen=True)
class Revision:
    """One state of the project that can be compared.

    :param name: the name of the branch, tag or experiment, the abbreviated id of a commit, or `workspace`.
    :param commit: the full commit id; None for the workspace, which is the files on disk.
    :param subject: the first line of the commit message.
    :param author: the author of the commit.
    :param date: the author date of the commit; None for the workspace.
    :param parent: for an experiment, the id of the commit that it started from; else None.
    """

    kind: Kind
    name: str
    commit: str | None = None
    subject: str = ""
    author: str = ""
    date: datetime | None = None
    parent: str | None = None

    @property
    def key(self) -> str:
        """The identifier for links: the commit id, which never moves, or `workspace`."""
        return self.commit or WORKSPACE_KEY

    @property
    def short(self) -> str:
        """The abbreviated commit id, or `workspace`."""
        return self.key[:7] if self.commit else WORKSPACE_KEY

    @property
    def title(self) -> str:
        """The name for use in a sentence; with the commit id for a branch, tag or experiment, whose name may move."""
        return self.name if self.kind in (Kind.WORKSPACE, Kind.COMMIT) else f"{self.name} ({self.short})"

    @property
    def label(self) -> str:
        """One line for a list with search: kind, name, id, message, author and date."""
        if self.date is None:
            return "workspace · uncommitted, as it lies on the disk"
        parts = [self.kind.value, self.name]
        if self.kind is not Kind.COMMIT:
            parts.append(self.short)
        if self.parent:
            parts.append(f"from {self.parent[:7]}")
        return " · ".join([*parts, self.subject or "(no message)", self.author, f"{self.date:%Y-%m-%d}"])


WORKSPACE = Revision(Kind.WORKSPACE, WORKSPACE_KEY)


def _reference(line: str) -> Revision | None:
    """The revision of one output line of `git for-each-ref`, or None for a reference of another kind."""
    name, oid, peeled, *facts = line.split("\0")
    # An annotated tag is a separate git object; use the commit that it points to.
    subject, author, date = facts[3:6] if peeled else facts[0:3]
    if not date:
        return None
    when = datetime.fromisoformat(date)
    experiment = _EXPERIMENT.fullmatch(name)
    if experiment:
        parent = experiment[1] + experiment[2]
        return Revision(Kind.EXPERIMENT, experiment[3], oid, subject, author, when, parent)
    for prefix, kind in (("refs/heads/", Kind.BRANCH), ("refs/remotes/", Kind.BRANCH), ("refs/tags/", Kind.TAG)):
        if name.startswith(prefix) and not name.endswith("/HEAD"):
            return Revision(kind, name.removeprefix(prefix), peeled or oid, subject, author, when)
    return None


def _references(repository: Repository) -> list[Revision]:
    patterns = ("refs/heads", "refs/remotes", "refs/tags", "refs/exps")
    lines = repository.lines("for-each-ref", "--sort=-creatordate", f"--format={_FORMAT}", *patterns)
    found = [_reference(line) for line in lines]
    return [revision for revision in found if revision is not None]


def _commits(repository: Repository) -> list[Revision]:
    """The newest `MAX_COMMITS` commits that can be reached from HEAD, a branch or a tag."""
    if repository.resolve("HEAD") is None:
        return []
    selection = (f"--max-count={MAX_COMMITS}", "HEAD", "--branches", "--remotes", "--tags")
    return [_commit(line) for line in repository.lines("log", _COMMIT_FORMAT, *selection, "--")]


def _commit(line: str) -> Revision:
    """The revision of one line of `git log` in `_COMMIT_FORMAT`."""
    commit, author, date, subject = line.split("\0", 3)
    return Revision(Kind.COMMIT, commit[:7], commit, subject, author, datetime.fromisoformat(date))


def list_revisions(repository: Repository) -> list[Revision]:
    """List the workspace, then branches, tags, experiments and commits, each kind newest first.

    Outside a git repository the list has only the workspace.
    """
    if not repository.exists():
        return [WORKSPACE]
    order = list(Kind)
    named = sorted(_references(repository), key=lambda revision: order.index(revision.kind))
    return [WORKSPACE, *named, *_commits(repository)]


def find_revision(repository: Repository, revisions: list[Revision], text: str) -> Revision | None:
    """Find a revision by name, in the list or, for an older commit, in the repository.

    :param revisions: the result of `list_revisions`.
    :param text: `workspace`, a listed name, or any text that git resolves to a commit; it may come from a link.
    :returns: the revision, or None if there is none with this name.
    """
    for revision in revisions:
        if text in (revision.key, revision.name):
            return revision
    commit = repository.resolve(text) if repository.exists() else None
    if commit is None:
        return None
    known = (revision for revision in revisions if revision.commit == commit)
    return next(known, None) or describe_commit(repository, commit)


def require_revision(repository: Repository, text: str) -> Revision:
    """Find a revision by the name that a user typed.

    :raises UserError: when there is no revision with this name.
    """
    revision = find_revision(repository, list_revisions(repository), text)
    if revision is None:
        known = "Give `workspace`, a branch, a tag, a commit, or a name that `dvc exp list` shows."
        shallow = repository.is_shallow()
        raise UserError(f"there is no revision {text!r}", fetch_sentence(repository, text) if shallow else known)
    return revision


def describe_commit(repository: Repository, commit: str) -> Revision:
    """Describe a commit that the repository has.

    :param commit: a commit id.
    """
    return _commit(repository.lines("log", "-1", _COMMIT_FORMAT, "--end-of-options", commit, "--")[0])


def workspace_differs(repository: Repository) -> bool:
    """Whether the reports or parameters in the workspace differ from those of HEAD."""
    status = ("status", "--porcelain", "--untracked-files=all", "--", *COMPARED_PATHS)
    return bool(repository.lines(*status))


def default_pair(repository: Repository, revisions: list[Revision]) -> tuple[Revision, Revision]:
    """Choose a baseline and a candidate to show first.

    If the workspace differs from HEAD, they are HEAD and the workspace. Otherwise the candidate is HEAD, and the
    baseline is the parent of the last commit that changed reports or parameters. The parent of HEAD would often have
    the same reports, for example if HEAD only changes the README.

    :returns: baseline, candidate.
    """
    head = find_revision(repository, revisions, "HEAD") if repository.exists() else None
    if head is None:
        return WORKSPACE, WORKSPACE
    if workspace_differs(repository):
        return head, WORKSPACE
    touched = repository.lines("log", "-1", "--format=%H", "HEAD", "--", *COMPARED_PATHS)
    before = find_revision(repository, revisions, f"{touched[0]}^") if touched else None
    return before or head, head
