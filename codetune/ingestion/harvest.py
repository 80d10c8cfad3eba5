"""Harvesting wheels on all cores: tables of documented functions and of whole source files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from codetune.ingestion.functions import documented_functions, parse, row_id
from codetune.ingestion.pins import Pin
from codetune.ingestion.wheel import License, SourceFile, python_members, read_sources
from codetune.progress import track
from codetune.workers import map_in_processes

_CHUNK_BYTES = 1 << 20
_TEXT = pa.string()
ROWS_SCHEMA = pa.schema(
    [("id", _TEXT), ("source", _TEXT), ("group", _TEXT), ("package", _TEXT), ("version", _TEXT), ("license", _TEXT),
     ("license_evidence", _TEXT), ("path", _TEXT), ("kind", _TEXT), ("qualname", _TEXT), ("start_line", pa.int32()),
     ("end_line", pa.int32()), ("signature", _TEXT), ("docstring", _TEXT), ("code", _TEXT)]
)  # fmt: skip
FILES_SCHEMA = pa.schema(
    [("group", _TEXT), ("package", _TEXT), ("version", _TEXT), ("license", _TEXT), ("path", _TEXT), ("sha256", _TEXT),
     ("text", _TEXT)]
)  # fmt: skip


@dataclass(frozen=True)
class Chunk:
    """About a mebibyte of one wheel's sources: what a worker takes at a time."""

    pin: Pin
    license: License
    wheel: Path
    members: tuple[str, ...]
    max_bytes: int


@dataclass
class Harvest:
    """Rows of functions, rows of files, and what was passed over, by reason."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def extend(self, other: Harvest) -> None:
        """Append what another harvest found."""
        self.rows += other.rows
        self.files += other.files
        self.skipped += other.skipped


def _plan(wheels: dict[Pin, Path], licenses: dict[Pin, License], max_bytes: int) -> Iterator[Chunk]:
    for pin, wheel in wheels.items():
        chunk: list[str] = []
        size = 0
        for member, member_size in python_members(wheel):
            chunk.append(member)
            size += member_size
            if size >= _CHUNK_BYTES:
                yield Chunk(pin, licenses[pin], wheel, tuple(chunk), max_bytes)
                chunk, size = [], 0
        if chunk:
            yield Chunk(pin, licenses[pin], wheel, tuple(chunk), max_bytes)


def _provenance(chunk: Chunk) -> dict[str, str]:
    name = chunk.pin.name.lower()
    return {"group": name, "package": name, "version": chunk.pin.version, "license": chunk.license.expression}


def _function_rows(source: SourceFile, chunk: Chunk, skipped: Counter[str]) -> Iterator[dict[str, Any]]:
    tree = parse(source.text)
    if tree is None:
        skipped["syntax_error"] += 1
        return
    seen: Counter[tuple[str, str]] = Counter()
    for function in documented_functions(source.text, tree):
        key = (function.qualname, function.code)
        identity = row_id(chunk.pin.name.lower(), source.path, *key, seen[key])
        seen[key] += 1
        yield {
            "id": identity,
            "source": "packages",
            **_provenance(chunk),
            "license_evidence": chunk.license.evidence,
            "path": source.path,
            **vars(function),
        }


def read_chunk(chunk: Chunk) -> Harvest:
    """The functions and files of one chunk."""
    found = Harvest()
    for source in read_sources(chunk.wheel, list(chunk.members), chunk.max_bytes, found.skipped):
        found.files.append({**_provenance(chunk), "path": source.path, "sha256": source.sha256, "text": source.text})
        found.rows += _function_rows(source, chunk, found.skipped)
    return found


def harvest(wheels: dict[Pin, Path], licenses: dict[Pin, License], max_bytes: int, workers: int) -> Harvest:
    """Everything the wheels hold, in the order of pins and paths whatever the number of workers.

    :param max_bytes: Python files larger than this are counted as `too_large` and left out.
    """
    chunks = list(_plan(wheels, licenses, max_bytes))
    whole = Harvest()
    for part in track(map_in_processes(read_chunk, chunks, workers), len(chunks), "reading sources"):
        whole.extend(part)
    return whole
