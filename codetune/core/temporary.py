"""Temporary files and folders beside an output, and the removal of those that killed processes left behind.

A process locks its temporary file or folder as long as it writes it. The operating system releases the lock when the
process ends, also when it is killed. So a temporary path that nobody has locked is a leftover.
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PART, _OLD = ".part", ".old"
_RANDOM = "?" * 8  # `tempfile` puts eight characters between prefix and suffix


@contextmanager
def temporary_beside(path: Path, *, folder: bool) -> Iterator[Path]:
    """Yield a new temporary path in the folder of `path`, locked by this process. The caller removes or renames it.

    Leftovers of killed processes that wrote the same `path` are removed first.

    :param folder: whether the temporary path is a folder or a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    while True:
        temporary = _created(path, folder=folder)
        descriptor = _lock(temporary)
        if descriptor is not None:
            break
    try:
        yield temporary
    finally:
        os.close(descriptor)


def _lock(temporary: Path) -> int | None:
    """Return a file descriptor that holds the lock; None if another process has just removed the path as a leftover."""
    try:
        descriptor = os.open(temporary, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    if temporary.exists():
        return descriptor
    os.close(descriptor)
    return None


def previous_beside(temporary: Path) -> Path:
    """Return the path for the previous content of a folder while `temporary` replaces it."""
    return temporary.with_suffix(_OLD)


def _created(path: Path, *, folder: bool) -> Path:
    if folder:
        return Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=_PART, dir=path.parent))
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PART, dir=path.parent)
    os.close(descriptor)
    return Path(name)


def _remove_leftovers(path: Path) -> None:
    """Remove temporary paths of `path` that no process has locked; if there is no `path`, restore the previous one."""
    pattern = f".{glob.escape(path.name)}.{_RANDOM}"
    for part in path.parent.glob(pattern + _PART):
        if not _is_locked(part):
            _restore(previous_beside(part), path)
            _remove(part)
    for old in path.parent.glob(pattern + _OLD):
        if not old.with_suffix(_PART).exists():
            _restore(old, path)


def _restore(previous: Path, path: Path) -> None:
    """Rename `previous` to `path` if `path` is missing; otherwise remove `previous`."""
    if previous.exists() and not path.exists():
        with suppress(OSError):
            previous.rename(path)
    _remove(previous)


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    """Return whether a process has locked the path; true if that cannot be found out."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
