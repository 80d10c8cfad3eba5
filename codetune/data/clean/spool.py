"""Keep the texts of all rows on disk while the rows are filtered."""

from __future__ import annotations

import json
import os
import tempfile
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self


class Spool:
    """Temporary file of numbered records; it has no name and disappears when the process ends for any reason.

    :param folder: the folder whose disk stores the file; it is created if it is missing.
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
        """Add a record.

        :param record: the result of `encode`; records are numbered from 0 in the order of addition.
        """
        self._file.write(record)
        self._ends.append(self._ends[-1] + len(record))

    def read(self, number: int) -> dict[str, Any]:
        """Return the record with that number."""
        self._file.flush()
        start, end = self._ends[number : number + 2]
        record: dict[str, Any] = json.loads(os.pread(self._file.fileno(), end - start, start))
        return record


FILE_KEY = ("package", "version", "path")
FileKey = tuple[str, str, str]


def file_key(row: dict[str, Any]) -> FileKey:
    """Return the key of a source file, or of the file that contains a row: package, version and path."""
    return row["package"], row["version"], row["path"]


class FileTexts:
    """The texts of source files in a spool, found by their key.

    :param files: rows with `text` and the fields of the key.
    :param spool: the spool that stores the texts.
    """

    def __init__(self, files: Iterable[dict[str, Any]], spool: Spool) -> None:
        self._spool = spool
        self._numbers: dict[FileKey, int] = {}
        for file in files:
            self._numbers[file_key(file)] = len(spool)
            spool.append(encode({"text": file["text"]}))

    def of(self, rows: Iterable[dict[str, Any]]) -> dict[FileKey, str]:
        """Return the texts of the files that contain the functions among `rows`.

        :param rows: rows with `kind` and the fields of the key.
        """
        wanted = {file_key(row) for row in rows if row["kind"] == "function"}
        return {key: self._spool.read(self._numbers[key])["text"] for key in sorted(wanted & self._numbers.keys())}


def encode(record: dict[str, Any]) -> bytes:
    """Encode a record as JSON in UTF-8 for the spool."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
