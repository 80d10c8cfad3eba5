"""Record each `os.fsync`: the campaign `power-cut` puts this folder on PYTHONPATH, so every Python process loads it."""

from __future__ import annotations

import os
from collections.abc import Callable

_RECORD = os.environ.get("CODETUNE_FSYNC_RECORD")


def _recording(sync: Callable[[int], None]) -> Callable[[int], None]:
    """Return `sync`, which then also writes inode, time of change and size of the file to the record."""

    def call(descriptor: int) -> None:
        sync(descriptor)
        found = os.stat(descriptor)
        line = f"{found.st_ino} {found.st_mtime_ns} {found.st_size}\n".encode()
        stream = os.open(str(_RECORD), os.O_WRONLY | os.O_APPEND)
        os.write(stream, line)
        os.close(stream)

    return call


if _RECORD:
    for _name in ("fsync", "fdatasync"):
        setattr(os, _name, _recording(getattr(os, _name)))
