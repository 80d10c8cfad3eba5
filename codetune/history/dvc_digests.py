"""Digests of files and folders as DVC records them in dvc.lock."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

_IGNORED_FOLDERS = ("__pycache__", ".venv", ".cache")  # as in .dvcignore
_IGNORED_SUFFIX = ".pyc"


def md5_file(path: Path) -> str:
    """Return the md5 of a file as 32 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def files_below(path: Path) -> Iterator[Path]:
    """Yield `path` if it is a file, and the files below it if it is a folder; without those that .dvcignore names."""
    if path.is_file():
        yield path
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _IGNORED_FOLDERS)
        yield from (Path(folder) / name for name in sorted(names) if not name.endswith(_IGNORED_SUFFIX))


def folder_digest(digests: dict[str, str]) -> str:
    """Return the digest of a folder: the md5 of the list of its files.

    :param digests: the md5 of each file, by its path in the folder, with `/`.
    """
    entries = [{"md5": md5, "relpath": name} for name, md5 in digests.items()]
    entries.sort(key=lambda entry: entry["relpath"])
    text = json.dumps(entries, sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir"


def digest(path: Path) -> str | None:
    """Return the digest of a file or folder; None if it does not exist."""
    if path.is_file():
        return md5_file(path)
    if path.is_dir():
        return folder_digest({file.relative_to(path).as_posix(): md5_file(file) for file in files_below(path)})
    return None
