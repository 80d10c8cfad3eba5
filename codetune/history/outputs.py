"""Outputs of any revision: its dvc.lock says which bytes they were, the DVC cache has them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo

from codetune.core.errors import UserError
from codetune.history.listing import Kind, Revision
from codetune.history.repository import Repository
from codetune.history.stages import LOCK_FILE, load_lock

# A digest becomes a path, and dvc.lock may come from anybody's branch.
_DIGEST = re.compile(r"[0-9a-f]{32}(\.dir)?")
# `--all-branches` leaves the branches of remotes out.
_FETCH_OPTIONS = {Kind.BRANCH: "--all-commits", Kind.TAG: "--all-tags", Kind.COMMIT: "--all-commits"}


def locked_output(repository: Repository, revision: Revision, path: str) -> dict[str, Any] | None:
    """What dvc.lock of a commit says of one output; None where it names no such output, or there is no dvc.lock.

    :param path: of the output, relative to the project.
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
    """Where the DVC cache keeps an output, whether or not it is there.

    :param digest: of a file inside the output, where the output is a folder; None for the output itself.
    :raises UserError: when the project is no DVC project.
    """
    try:
        with closing(Repo(str(root))) as repo:
            # Outputs of DVC 2 have no `hash`; their digest is of another kind, and kept elsewhere.
            store = repo.cache.local if entry.get("hash") == "md5" else repo.cache.legacy
            return Path(store.oid_to_path(digest or entry["md5"]))
    except NotDvcRepoError:
        raise UserError(f"{root.resolve()} is no DVC project", "Start from the project's folder.") from None


def cached_folder(root: Path, entry: dict[str, Any]) -> dict[str, tuple[Path, str]] | None:
    """The files of an output that is a folder: by name, where the cache keeps each, and its md5.

    None where the cache lacks any of them.

    :raises UserError: when the project is no DVC project, or the cache's list of the files is damaged.
    """
    listing = cache_path(root, entry)
    if not listing.is_file():
        return None
    files = {name: (_beside(listing, digest), digest) for name, digest in _listed(listing)}
    return files if all(path.is_file() for path, _ in files.values()) else None


def _beside(listing: Path, digest: str) -> Path:
    """Where the cache that keeps `listing` keeps the file of another digest."""
    return listing.parents[1] / digest[:2] / digest[2:]


def _listed(listing: Path) -> Iterator[tuple[str, str]]:
    """Name and md5 of the files that a folder of the cache lists; names that lead out of the folder are refused."""
    try:
        items = [(str(item["relpath"]), str(item["md5"])) for item in json.loads(listing.read_bytes())]
    except (ValueError, KeyError, TypeError):
        items = [("..", "")]
    for name, digest in items:
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or not _DIGEST.fullmatch(digest):
            raise UserError(f"{listing} of the DVC cache is damaged", "Remove it, and bring it again with `dvc fetch`.")
        yield name, digest


def remedy(revision: Revision, path: str, stage: str) -> str:
    """The commands that bring an output of a revision, or make it again.

    :param path: of the output; `stage` is the one that makes it.
    """
    option = _FETCH_OPTIONS.get(revision.kind)
    fetch = f"`dvc fetch {option} {path}` brings it where a remote has it; else " if option else ""
    if revision.kind is Kind.EXPERIMENT:
        return f"{fetch}`dvc exp apply {shlex.quote(revision.name)}` and then `dvc repro {stage}` makes it again."
    return f"{fetch}`git checkout {shlex.quote(revision.name)}` and then `dvc repro {stage}` makes it again."
