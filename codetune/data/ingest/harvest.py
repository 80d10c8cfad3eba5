"""Extract documented functions from Python files: the work that worker processes do for the tables of data/raw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from codetune.core.workers import gc_paused
from codetune.data.ingest.decoding import SourceFile, storable
from codetune.data.ingest.license_files import FileLicense
from codetune.data.ingest.licenses import License, header_license
from codetune.data.ingest.wheel import read_python_files
from codetune.python_source.functions import functions_or_reason, row_id

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Origin:
    """Where files come from.

    :param source: name of the source in `ingest.sources`.
    :param package: name of the package; for a folder, the name of the source.
    :param version: version of the package, commit, or version of the interpreter.
    :param license: licence of the files; a licence named by a file or its folder goes before it.
    """

    source: str
    package: str
    version: str
    license: License


class Member(NamedTuple):
    """A Python file of an origin.

    :param path: path within the origin.
    :param size: size in bytes.
    :param group: the group of its rows.
    :param key: what the reader finds the file by, if not by the path.
    :param license: what the licence files around it say about this file.
    """

    path: str
    size: int
    group: str
    key: str = ""
    license: FileLicense = FileLicense()


class Reader(Protocol):
    """Reads the files of an origin. It is pickled and sent to the worker processes."""

    def read(self, members: Sequence[Member], max_bytes: int, skipped: Counter[str]) -> Iterator[SourceFile]:
        """Yield the members that are readable text.

        :param members: the files to read.
        :param max_bytes: larger files are counted as `too_large`.
        :param skipped: counts the files that are not yielded, by reason.
        """


@dataclass(frozen=True)
class WheelReader:
    """Reads the members of a wheel in memory."""

    wheel: Path

    def read(self, members: Sequence[Member], max_bytes: int, skipped: Counter[str]) -> Iterator[SourceFile]:
        """Yield the members that are readable text; the others are counted in `skipped` by reason. See `Reader`.

        :raises UserError: when the wheel is damaged, or the hash of a file is not the one in RECORD.
        """
        return read_python_files(self.wheel, [member.path for member in members], max_bytes, skipped)


@dataclass(frozen=True)
class Chunk:
    """Files of one origin that a worker reads in one task: about 1 MiB."""

    origin: Origin
    reader: Reader
    members: tuple[Member, ...]
    max_bytes: int


@dataclass
class Harvest:
    """What was extracted from files or tables, and what was skipped.

    :param rows: rows of data/raw/rows.parquet: one per function, or per row of a table.
    :param files: rows of data/raw/files.parquet: one per source file.
    :param skipped: number of files that gave no row, by reason.
    :param rows_skipped: number of rows that were not taken, by reason.
    :param notes: number of rows that were taken without some of their content, by what was left out.
    :param died: files whose parsing killed a worker process.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    rows_skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    died: list[str] = field(default_factory=list)

    def extend(self, other: Harvest) -> None:
        """Append the rows and add the counts of another harvest."""
        self.rows += other.rows
        self.files += other.files
        self.skipped += other.skipped
        self.rows_skipped += other.rows_skipped
        self.notes += other.notes
        self.died += other.died


def chunked(origin: Origin, reader: Reader, members: Iterable[Member], max_bytes: int) -> Iterator[Chunk]:
    """Divide members into chunks of about 1 MiB, in order.

    :param max_bytes: limit for the reader: larger files are counted as `too_large`.
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


def split_chunk(chunk: Chunk) -> list[Chunk]:
    """Divide a chunk into two; a chunk of a single file is returned as it is."""
    middle = len(chunk.members) // 2
    parts = (chunk.members[:middle], chunk.members[middle:])
    return [replace(chunk, members=part) for part in parts if part]


def parser_died(chunk: Chunk) -> Harvest:
    """Return the harvest for a chunk of one file whose parsing killed the worker: the file is counted and named."""
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
    """Read the files of a chunk and extract their documented functions."""
    found = Harvest()
    origin = chunk.origin
    members = {member.path: member for member in chunk.members}
    with gc_paused():
        for source in chunk.reader.read(chunk.members, chunk.max_bytes, found.skipped):
            member = members[source.path]
            license_ = member.license.resolve(header_license(source.text)) or origin.license
            found.files.append({
                "group": member.group, "package": origin.package, "version": origin.version,
                "license": license_.expression, "path": source.path, "sha256": source.sha256, "text": source.text,
            })  # fmt: skip
            found.rows += _function_rows(source, origin, member.group, license_, found)
    return found
