"""The ledger of any revision: git says which one it was, the DVC cache has it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from codetune.accounting.ledger import LEDGER_PATH, Ledger, read_ledger
from codetune.errors import UserError
from codetune.revisions.listing import Kind, Revision, require_revision
from codetune.revisions.repository import Repository

_LOCK_PATH = "dvc.lock"
# `--all-branches` leaves the branches of remotes out.
_FETCH_OPTIONS = {Kind.BRANCH: "--all-commits", Kind.TAG: "--all-tags", Kind.COMMIT: "--all-commits"}


@dataclass(frozen=True)
class LedgerVersion:
    """The ledger of one revision."""

    revision: Revision
    ledger: Ledger


def _remake(revision: Revision) -> str:
    """The command that makes the ledger of a revision again."""
    if revision.kind is Kind.EXPERIMENT:
        return f"`dvc exp apply {revision.name}` and then `dvc repro clean`"
    return f"`git checkout {revision.name}` and then `dvc repro clean`"


def _remedy(revision: Revision) -> str:
    option = _FETCH_OPTIONS.get(revision.kind)
    fetch = f"`dvc fetch {option} {LEDGER_PATH}` brings it where a remote has it; else " if option else ""
    return f"{fetch}{_remake(revision)} makes it again."


def _locked(lock: Any) -> dict[str, Any] | None:
    """The entry of the ledger in the content of dvc.lock."""
    stages = lock.get("stages", {}) if isinstance(lock, dict) else {}
    outputs = [output for stage in stages.values() for output in stage.get("outs", [])]
    return next((output for output in outputs if output.get("path") == LEDGER_PATH), None)


def _entry(repository: Repository, revision: Revision) -> dict[str, Any]:
    """What dvc.lock of a revision says of the ledger.

    :raises UserError: when the revision has no dvc.lock, or one that is damaged or names no ledger.
    """
    content = repository.contents(repository.tree(revision.key, [_LOCK_PATH])).get(_LOCK_PATH, b"")
    try:
        entry = _locked(YAML(typ="safe").load(content))
    except YAMLError:
        raise UserError(f"{_LOCK_PATH} of {revision.title} is damaged", "Choose another revision.") from None
    if entry is None or "md5" not in entry:
        raise UserError(
            f"{revision.title} has no ledger: its {_LOCK_PATH} names none",
            f"Choose a later revision, or commit {_LOCK_PATH} after `dvc repro`.",
        )
    return entry


def _cached(root: Path, entry: dict[str, Any]) -> Path:
    """Where the DVC cache keeps an output, whether or not it is there.

    :raises UserError: when the project is no DVC project.
    """
    try:
        with closing(Repo(str(root))) as repo:
            # Outputs of DVC 2 have no `hash`; their digest is of another kind, and kept elsewhere.
            store = repo.cache.local if entry.get("hash") == "md5" else repo.cache.legacy
            return Path(store.oid_to_path(entry["md5"]))
    except NotDvcRepoError:
        raise UserError(f"{root.resolve()} is no DVC project", "Start from the project's folder.") from None


def ledger_of(root: Path, name: str) -> LedgerVersion:
    """The ledger of a revision.

    :param root: the folder of the project.
    :param name: `workspace`, a branch, tag or experiment, or anything that git resolves to a commit.
    :raises UserError: when there is no such revision, or it has no ledger, or the cache lacks it: with the command
        that brings it.
    """
    repository = Repository(root)
    revision = require_revision(repository, name)
    if revision.commit is None:
        return LedgerVersion(revision, read_ledger(root / LEDGER_PATH))
    path = _cached(root, _entry(repository, revision))
    title = f"{LEDGER_PATH} of {revision.title}"
    if not path.is_file():
        raise UserError(f"{title} is not in the DVC cache", _remedy(revision))
    return LedgerVersion(revision, read_ledger(path, title))
