"""The ledger of any revision: git says which one it was, the DVC cache has it."""

from __future__ import annotations

from pathlib import Path

from codetune.core.errors import UserError
from codetune.history.listing import Revision, require_revision
from codetune.history.outputs import cache_path, locked_output, remedy
from codetune.history.repository import Repository
from codetune.history.stages import LOCK_FILE
from codetune.ledger.ledger import LEDGER_PATH, Ledger, read_ledger


def ledger_of(root: Path, name: str) -> tuple[Revision, Ledger]:
    """A revision and its ledger.

    :param name: `workspace`, a branch, tag or experiment, or anything that git resolves to a commit.
    :raises UserError: when there is no such revision, or it has no ledger, or the cache lacks it: with the command
        that brings it.
    """
    repository = Repository(root)
    revision = require_revision(repository, name)
    if revision.commit is None:
        return revision, read_ledger(root / LEDGER_PATH)
    entry = locked_output(repository, revision, LEDGER_PATH)
    if entry is None:
        raise UserError(
            f"{revision.title} has no ledger: its {LOCK_FILE} names none",
            f"Choose a later revision, or commit {LOCK_FILE} after `dvc repro`.",
        )
    path = cache_path(root, entry)
    title = f"{LEDGER_PATH} of {revision.title}"
    if not path.is_file():
        raise UserError(f"{title} is not in the DVC cache", remedy(revision, LEDGER_PATH, "clean"))
    return revision, read_ledger(path, title)
