"""Read the ledger of any revision: dvc.lock in git has its digest, and the DVC cache has the file."""

from __future__ import annotations

from pathlib import Path

from codetune.core.errors import UserError
from codetune.history.listing import Revision, require_revision
from codetune.history.outputs import cache_path, locked_output, remedy
from codetune.history.repository import Repository
from codetune.history.stages import LOCK_FILE
from codetune.ledger.ledger import LEDGER_PATH, Ledger, read_ledger


def ledger_of(root: Path, name: str) -> tuple[Revision, Ledger]:
    """Find a revision by name and read its ledger.

    :param root: the folder of the project.
    :param name: `workspace`, a branch, tag or experiment, or any text that git resolves to a commit.
    :returns: the revision and its ledger.
    :raises UserError: when there is no such revision, or it has no ledger, or the ledger is not in the cache; in the
        last case the error has the command that fetches it.
    """
    repository = Repository(root)
    revision = require_revision(repository, name)
    if revision.commit is None:
        return revision, read_ledger(root / LEDGER_PATH)
    entry = locked_output(repository, revision, LEDGER_PATH)
    if entry is None:
        raise UserError(
            f"{revision.title} has no ledger: its {LOCK_FILE} lists none",
            f"Choose a later revision, or commit {LOCK_FILE} after `dvc repro`.",
        )
    path = cache_path(root, entry)
    title = f"{LEDGER_PATH} of {revision.title}"
    if not path.is_file():
        raise UserError(f"{title} is not in the DVC cache", remedy(revision, LEDGER_PATH, "clean"))
    return revision, read_ledger(path, title)
