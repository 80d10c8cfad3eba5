"""What scoring computed before, kept from run to run: scores of pairs, vectors of references, the baseline.

Each value is found by a digest of all that it depends on, so that an old one is never taken for a new one. It is stored
with its own digest: a damaged one counts as missing. Where the file cannot be read or written, everything is computed.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from codetune.core.fingerprint import fingerprint
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.numerics import NumericsParams

_MAX_BYTES = 1 << 30
_PORTION = 1 << 24  # bytes that wait in memory before they are written
_MAKERS = ("codetune.evaluation.metrics.baseline", "codetune.evaluation.metrics.matching")  # of what is kept
_EXPERIMENT = (".dvc", "tmp", "exps")  # where `dvc exp run --queue` and `--temp` copy the project to
_TABLE = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB, sum BLOB, size INTEGER, used INTEGER)"


def kept_folder(project: Path) -> Path:
    """The folder for what is kept; experiments in a copy of the project share that of the project itself."""
    parts = project.resolve().parts
    places = [place for place in range(len(parts)) if parts[place : place + len(_EXPERIMENT)] == _EXPERIMENT]
    return (Path(*parts[: places[0]]) if places else project) / ".cache/scoring"


def recipe(encoder: BertEncoder, params: NumericsParams) -> str:
    """The digest of the fingerprint of scores, texts apart: model, code, libraries and numerics."""
    inputs = {
        "encoder": encoder.signature,
        "weights": encoder.files.weights,
        "tokenizer": encoder.files.tokenizer,
        "config.json": encoder.files.folder / "config.json",
    }
    return fingerprint(*_MAKERS, parameters={}, inputs=inputs, numerics=params).digest


class Kept:
    """Values by digest, in one file of bounded size; what has not been asked for longest goes first.

    :param folder: where the file lies; made when there is none.
    :param recipe: a digest of all that the values depend on beside what they are asked by.
    """

    def __init__(self, folder: Path, recipe: str, max_bytes: int = _MAX_BYTES) -> None:
        self._recipe = recipe
        self._max_bytes = max_bytes
        self._new: dict[bytes, bytes] = {}
        self._waiting = 0
        self._used: list[bytes] = []
        self._file = _opened(folder / "kept.sqlite")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.write()
        if self._file is not None:
            self._file.close()

    def get(self, kind: str, texts: Sequence[str]) -> bytes | None:
        """The value that was kept for some texts; None where there is none."""
        key = self._key(kind, texts)
        if key in self._new or self._file is None:
            return self._new.get(key)
        try:
            row = self._file.execute("SELECT value, sum FROM kept WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None
        if row is None or hashlib.sha256(row[0]).digest() != row[1]:
            return None
        self._used.append(key)
        return bytes(row[0])

    def put(self, kind: str, texts: Sequence[str], value: bytes) -> None:
        """Keep a value for some texts."""
        if self._file is not None:
            self._new[self._key(kind, texts)] = value
            self._waiting += len(value)
            if self._waiting > _PORTION:
                self.write()

    def write(self) -> None:
        """Write the new values, all or none of them, and drop the oldest of what is too much."""
        now = time.time_ns()
        rows = [(key, value, hashlib.sha256(value).digest(), len(value), now) for key, value in self._new.items()]
        used = [(now, key) for key in self._used]
        self._new, self._waiting, self._used = {}, 0, []
        if self._file is None or not (rows or used):
            return
        try:
            with self._file:
                self._file.executemany("UPDATE kept SET used = ? WHERE key = ?", used)
                self._file.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", rows)
                self._file.executemany("DELETE FROM kept WHERE key = ?", self._surplus(self._file))
        except sqlite3.Error:  # a full disk, another process that writes for minutes: it is computed again next time
            return

    def _surplus(self, file: sqlite3.Connection) -> list[tuple[bytes]]:
        left = self._max_bytes
        surplus = []
        for key, size in file.execute("SELECT key, size FROM kept ORDER BY used DESC, key"):
            left -= size
            if left < 0:
                surplus.append((key,))
        return surplus

    def _key(self, kind: str, texts: Sequence[str]) -> bytes:
        digest = hashlib.sha256(f"{self._recipe} {kind}".encode())
        for text in texts:
            digest.update(hashlib.sha256(text.encode()).digest())
        return digest.digest()


def _opened(path: Path) -> sqlite3.Connection | None:
    """The file of what is kept, made anew where it is damaged; None where there can be none."""
    for _ in range(2):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = sqlite3.connect(path, timeout=60)
            file.execute("PRAGMA synchronous = OFF")  # a power cut may damage the file, and then it is made anew
            file.execute(_TABLE)
            file.execute("SELECT key, value, sum, size, used FROM kept LIMIT 1").fetchone()
        except (sqlite3.OperationalError, OSError):
            return None
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
        else:
            return file
    return None
