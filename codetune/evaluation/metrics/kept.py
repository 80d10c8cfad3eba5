"""Cache of scoring on disk: scores of pairs, vectors of references, and the baseline.

The key of a value is a digest of everything that it depends on, so that outdated values are never used. Each value is
stored with its own digest; a damaged value counts as missing. If the file cannot be read or written, scoring works
without the cache.
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
_PORTION = 1 << 24  # bytes that are collected in memory before they are written
_MAKERS = ("codetune.evaluation.metrics.baseline", "codetune.evaluation.metrics.matching")  # compute cached values
_EXPERIMENT = (".dvc", "tmp", "exps")  # `dvc exp run --queue` and `--temp` copy the project to this folder
_TABLE = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB, sum BLOB, size INTEGER, used INTEGER)"


def cache_folder(project: Path) -> Path:
    """Return the folder of the cache; DVC experiments that run in a copy of the project share the project's cache.

    :param project: the folder of the project, or of its copy.
    """
    parts = project.resolve().parts
    places = [place for place in range(len(parts)) if parts[place : place + len(_EXPERIMENT)] == _EXPERIMENT]
    return (Path(*parts[: places[0]]) if places else project) / ".cache/scoring"


def recipe(encoder: BertEncoder, params: NumericsParams) -> str:
    """Return a digest of everything that scores depend on except the texts: model, code, libraries and numerics.

    :param encoder: the encoder in use.
    :param params: the section `numerics` of params.yaml.
    """
    inputs = {
        "encoder": encoder.signature,
        "weights": encoder.files.weights,
        "tokenizer": encoder.files.tokenizer,
        "config.json": encoder.files.folder / "config.json",
    }
    return fingerprint(*_MAKERS, parameters={}, inputs=inputs, numerics=params).digest


class ScoreCache:
    """Cache of values in one file of limited size; the least recently used values are deleted first.

    :param folder: the folder of the file; created if it is missing.
    :param recipe: a digest of everything that the values depend on except kind and texts, which `get` and `put` take.
    :param max_bytes: the maximal size of all values, in bytes.
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
        """Return a cached value; None if there is none.

        :param kind: the kind of the value, such as `scores`.
        :param texts: the texts from which it was computed.
        """
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
        """Add a value to the cache.

        :param kind: the kind of the value, such as `scores`.
        :param texts: the texts from which it was computed.
        :param value: the value as bytes.
        """
        if self._file is not None:
            self._new[self._key(kind, texts)] = value
            self._waiting += len(value)
            if self._waiting > _PORTION:
                self.write()

    def write(self) -> None:
        """Write all new values in one transaction, and delete the least recently used ones above the maximal size."""
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
        except sqlite3.Error:  # for example a full disk, or a file locked by another process
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
    """Open the file of the cache; a damaged file is replaced. Return None if it cannot be opened or created."""
    for _ in range(2):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = sqlite3.connect(path, timeout=60)
            file.execute("PRAGMA synchronous = OFF")  # a power cut may damage the file, but then it is replaced
            file.execute(_TABLE)
            file.execute("SELECT key, value, sum, size, used FROM kept LIMIT 1").fetchone()
        except (sqlite3.OperationalError, OSError):
            return None
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
        else:
            return file
    return None
