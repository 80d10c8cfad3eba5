"""The texts of all rows, on disk while their verdicts are found."""

from __future__ import annotations

import json
import os
import tempfile
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self


class Spool:
    """Records in a file without a name, read again by number; it is gone when the process ends, however it ends.

    :param folder: where the file's space is taken; it is made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._ends = array("q", [0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, record: bytes) -> None:
        """Add a record as `encode` made it; records are numbered from 0."""
        self._file.write(record)
        self._ends.append(self._ends[-1] + len(record))

    def read(self, number: int) -> dict[str, Any]:
        """The record of that number."""
        self._file.flush()
        start, end = self._ends[number : number + 2]
        record: dict[str, Any] = json.loads(os.pread(self._file.fileno(), end - start, start))
        return record


FILE_KEY = ("package", "version", "path")
FileKey = tuple[str, str, str]


def file_key(row: dict[str, Any]) -> FileKey:
    """What a file, and a row that stands in it, are known by."""
    return row["package"], row["version"], row["path"]


class FileTexts:
    """The texts of source files, spooled and found again by their key."""

    def __init__(self, files: Iterable[dict[str, Any]], spool: Spool) -> None:
        self._spool = spool
        self._numbers: dict[FileKey, int] = {}
        for file in files:
            self._numbers[file_key(file)] = len(spool)
            spool.append(encode({"text": file["text"]}))

    def of(self, rows: Iterable[dict[str, Any]]) -> dict[FileKey, str]:
        """The texts of the files that the functions among `rows` stand in."""
        wanted = {file_key(row) for row in rows if row["kind"] == "function"}
        return {key: self._spool.read(self._numbers[key])["text"] for key in sorted(wanted & self._numbers.keys())}


def encode(record: dict[str, Any]) -> bytes:
    """The form in which a record is spooled."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
