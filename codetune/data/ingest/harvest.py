"""Harvesting code: the tables of data/raw, and what a worker process does to fill them from some files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from codetune.core.workers import uncollected
from codetune.data.ingest.decoding import SourceFile, storable
from codetune.data.ingest.license_files import FileLicense
from codetune.data.ingest.licenses import License, header_license
from codetune.data.ingest.wheel import read_sources
from codetune.python_source.functions import functions_or_reason, row_id

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Origin:
    """Where files come from, and under which licence unless they or their folders name another."""

    source: str
    package: str
    version: str
    license: License


class Member(NamedTuple):
    """A Python file of an origin.

    :param size: in bytes.
    :param group: that of its rows.
    :param key: what the reader finds it by, where that is not the path.
    :param license: what the files of its tree say of it.
    """

    path: str
    size: int
    group: str
    key: str = ""
    license: FileLicense = FileLicense()


class Reader(Protocol):
    """How the files of an origin are read; travels to the worker."""

    def read(self, members: Sequence[Member], max_bytes: int, skipped: Counter[str]) -> Iterator[SourceFile]:
        """Yield the text of the members; those that have none are counted in `skipped` by reason."""


@dataclass(frozen=True)
class WheelReader:
    """Reads the members of a wheel in memory."""

    wheel: Path

    def read(self, members: Sequence[Member], max_bytes: int, skipped: Counter[str]) -> Iterator[SourceFile]:
        """As `Reader`.

        :raises UserError: when the wheel is damaged or a file is not the one of its RECORD.
        """
        return read_sources(self.wheel, [member.path for member in members], max_bytes, skipped)


@dataclass(frozen=True)
class Chunk:
    """About a mebibyte of one origin's sources: what a worker takes at a time."""

    origin: Origin
    reader: Reader
    members: tuple[Member, ...]
    max_bytes: int


@dataclass
class Harvest:
    """Rows of functions or of tables, rows of files, and what was passed over, by reason.

    `skipped` counts files that gave no row, `rows_skipped` rows; `notes` counts what was left out of rows that were
    taken; `died` names the files whose parsing killed a worker.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    rows_skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    died: list[str] = field(default_factory=list)

    def extend(self, other: Harvest) -> None:
        """Append what another harvest found."""
        self.rows += other.rows
        self.files += other.files
        self.skipped += other.skipped
        self.rows_skipped += other.rows_skipped
        self.notes += other.notes
        self.died += other.died


def chunked(origin: Origin, reader: Reader, members: Iterable[Member], max_bytes: int) -> Iterator[Chunk]:
    """Yield `members` in portions, in order.

    :param max_bytes: files larger than this are counted as `too_large`.
    """
    portion: list[Member] = []
    size = 0
    for member in members:
        portion.append(member)
        size += member.size
        if size >= _CHUNK_BYTES:
            yield Chunk(origin, reader, tuple(portion), max_bytes)
            portion, size = [], 0
    if portion:
        yield Chunk(origin, reader, tuple(portion), max_bytes)


def halves(chunk: Chunk) -> list[Chunk]:
    """The chunk in two parts; itself when it holds a single file."""
    middle = len(chunk.members) // 2
    parts = (chunk.members[:middle], chunk.members[middle:])
    return [replace(chunk, members=part) for part in parts if part]


def parser_died(chunk: Chunk) -> Harvest:
    """What is left of a file that killed the worker: its name, and the count of it."""
    place = f"{chunk.origin.package}/{chunk.members[0].path}"
    return Harvest(skipped=Counter(parser_died=1), died=[place])


def _function_rows(
    source: SourceFile, origin: Origin, group: str, license_: License, found: Harvest
) -> Iterator[dict[str, Any]]:
    functions = functions_or_reason(source.text)
    if isinstance(functions, str):
        found.skipped[functions if source.text.strip() else "empty"] += 1
        return
    seen: Counter[tuple[str, str]] = Counter()
    for function in functions:
        key = (function.qualname, function.code)
        identity = row_id(origin.package, source.path, *key, seen[key])
        seen[key] += 1
        if not storable(function.docstring, function.signature):
            found.rows_skipped["undecodable"] += 1
            continue
        yield {
            "id": identity, "source": origin.source, "group": group, "package": origin.package,
            "version": origin.version, "license": license_.expression, "license_evidence": license_.evidence,
            "path": source.path, **vars(function),
        }  # fmt: skip
    if not seen:
        found.skipped["nothing_documented" if source.text.strip() else "empty"] += 1


def read_chunk(chunk: Chunk) -> Harvest:
    """The functions and files of one chunk."""
    found = Harvest()
    origin = chunk.origin
    members = {member.path: member for member in chunk.members}
    with uncollected():
        for source in chunk.reader.read(chunk.members, chunk.max_bytes, found.skipped):
            member = members[source.path]
            license_ = member.license.judged(header_license(source.text)) or origin.license
            found.files.append({
                "group": member.group, "package": origin.package, "version": origin.version,
                "license": license_.expression, "path": source.path, "sha256": source.sha256, "text": source.text,
            })  # fmt: skip
            found.rows += _function_rows(source, origin, member.group, license_, found)
    return found
