"""Digests of files and folders as DVC records them in dvc.lock."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

_ALWAYS_IGNORED = (".hg/", ".git/", ".git", ".dvc/")  # by DVC, whatever .dvcignore names


def md5_file(path: Path) -> str:
    """Return the md5 of a file as 32 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def files_below(root: Path, path: Path) -> Iterator[Path]:
    """Yield `path` if it is a file, and the files below it if it is a folder, without those that DVC ignores.

    Only the .dvcignore in the folder of the project is read, not those in folders below it.

    :param root: the folder of the project.
    :param path: relative to `root`, or absolute.
    :returns: paths of the same kind.
    """
    if (root / path).is_file():
        yield path
    ignored = _ignored(root)
    for folder, folders, names in os.walk(root / path):
        here = path / Path(folder).relative_to(root / path)
        folders[:] = sorted(name for name in folders if not ignored.match_file(f"{(here / name).as_posix()}/"))
        yield from (here / name for name in sorted(names) if not ignored.match_file((here / name).as_posix()))


def _ignored(root: Path) -> GitIgnoreSpec:
    """Return the patterns of the files that DVC ignores."""
    try:
        lines = (root / ".dvcignore").read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        lines = []
    return GitIgnoreSpec.from_lines([*_ALWAYS_IGNORED, *lines])


def folder_digest(digests: dict[str, str]) -> str:
    """Return the digest of a folder: the md5 of the list of its files.

    :param digests: the md5 of each file, by its path in the folder, with `/`.
    """
    entries = [{"md5": md5, "relpath": name} for name, md5 in digests.items()]
    entries.sort(key=lambda entry: entry["relpath"])
    text = json.dumps(entries, sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir"


def digest(root: Path, path: Path) -> str | None:
    """Return the digest of a file or folder; None if it does not exist.

    :param root: the folder of the project.
    :param path: relative to `root`, or absolute.
    """
    if (root / path).is_file():
        return md5_file(root / path)
    if (root / path).is_dir():
        files = files_below(root, path)
        return folder_digest({file.relative_to(path).as_posix(): md5_file(root / file) for file in files})
    return None
