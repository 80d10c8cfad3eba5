"""Outputs of any revision: dvc.lock has their digests, and the DVC cache has their bytes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

from codetune.core.errors import UserError
from codetune.history.listing import Kind, Revision
from codetune.history.repository import Repository
from codetune.history.stages import LOCK_FILE, load_lock

# A digest becomes part of a path, and dvc.lock may come from an untrusted branch.
_DIGEST = re.compile(r"[0-9a-f]{32}(\.dir)?")
# Not `--all-branches`, which skips the branches of remotes.
_FETCH_OPTIONS = {Kind.BRANCH: "--all-commits", Kind.TAG: "--all-tags", Kind.COMMIT: "--all-commits"}


def locked_output(repository: Repository, revision: Revision, path: str) -> dict[str, Any] | None:
    """The entry of one output in dvc.lock of a commit.

    :param path: path of the output, relative to the project.
    :returns: the entry, or None if dvc.lock does not list the output or does not exist.
    :raises UserError: when dvc.lock is damaged.
    """
    try:
        outputs = [output for stage in load_lock(repository, revision).values() for output in stage.get("outs", [])]
        entry: dict[str, Any] | None = next((output for output in outputs if output.get("path") == path), None)
    except (UserError, AttributeError, TypeError):
        entry = {"md5": None}
    if entry is not None and not _DIGEST.fullmatch(str(entry.get("md5"))):
        raise UserError(f"{LOCK_FILE} of {revision.title} is damaged", "Choose another revision.")
    return entry


def cache_path(root: Path, entry: dict[str, Any], digest: str | None = None) -> Path:
    """The path of an output in the DVC cache. The file may be missing.

    :param root: the folder of the project.
    :param entry: the entry of the output in dvc.lock.
    :param digest: md5 of a file inside an output that is a folder; None for the output itself.
    :raises UserError: when the folder is not a DVC project.
    """
    from dvc.exceptions import NotDvcRepoError  # imported here, because a Space has no DVC
    from dvc.repo import Repo

    try:
        with closing(Repo(str(root))) as repo:
            # Outputs of DVC 2 have no `hash`; their digests are computed differently and have their own cache folder.
            store = repo.cache.local if entry.get("hash") == "md5" else repo.cache.legacy
            return Path(store.oid_to_path(digest or entry["md5"]))
    except NotDvcRepoError:
        raise UserError(f"{root.resolve()} is not a DVC project", "Start in the folder of the project.") from None


def cached_folder(root: Path, entry: dict[str, Any]) -> dict[str, tuple[Path, str]] | None:
    """The files of an output that is a folder.

    :param root: the folder of the project.
    :param entry: the entry of the output in dvc.lock.
    :returns: path in the cache and md5 of each file, by file name; None if a file is missing in the cache.
    :raises UserError: when the folder is not a DVC project, or the list of files in the cache is damaged.
    """
    listing = cache_path(root, entry)
    if not listing.is_file():
        return None
    files = {name: (_beside(listing, digest), digest) for name, digest in _listed(listing)}
    return files if all(path.is_file() for path, _ in files.values()) else None


def _beside(listing: Path, digest: str) -> Path:
    """The path of the file with another digest, in the same cache as `listing`."""
    return listing.parents[1] / digest[:2] / digest[2:]


def _listed(listing: Path) -> Iterator[tuple[str, str]]:
    """Yield name and md5 of the files in a folder's list; a name that points outside the folder is an error."""
    try:
        items = [(str(item["relpath"]), str(item["md5"])) for item in json.loads(listing.read_bytes())]
    except (ValueError, KeyError, TypeError):
        items = [("..", "")]
    for name, digest in items:
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or not _DIGEST.fullmatch(digest):
            raise UserError(f"{listing} of the DVC cache is damaged", "Remove it, then run `dvc fetch`.")
        yield name, digest


def remedy(revision: Revision, path: str, stage: str) -> str:
    """Write the commands that fetch an output of a revision, or make it again.

    :param path: path of the output.
    :param stage: the stage that makes the output.
    """
    option = _FETCH_OPTIONS.get(revision.kind)
    fetch = f"`dvc fetch {option} {path}` fetches it if a remote has it; otherwise " if option else ""
    if revision.kind is Kind.EXPERIMENT:
        return f"{fetch}`dvc exp apply {shlex.quote(revision.name)}` and then `dvc repro {stage}` makes it again."
    return f"{fetch}`git checkout {shlex.quote(revision.name)}` and then `dvc repro {stage}` makes it again."
