"""Read the sources of the `ingest` section into memory."""

from __future__ import annotations

import hashlib
import platform
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import digest_file
from codetune.core.paths import project_path
from codetune.core.pins import Pin, fetch, read_pins
from codetune.core.progress import track
from codetune.core.survival import CrashTolerantMap
from codetune.data.ingest.folder import (
    FolderReader,
    GitReader,
    groups_of,
    licenses_at,
    licenses_below,
    list_folder,
    list_revision,
    resolve_revision,
)
from codetune.data.ingest.harvest import (
    Chunk,
    Harvest,
    Member,
    Origin,
    Reader,
    WheelReader,
    chunked,
    parser_died,
    read_chunk,
    split_chunk,
)
from codetune.data.ingest.hub import read_hub
from codetune.data.ingest.license_files import LicenseFiles
from codetune.data.ingest.licenses import UNKNOWN, License
from codetune.data.ingest.params import (
    Columns,
    FolderSource,
    HubSource,
    IngestParams,
    PackagesSource,
    Source,
    StdlibSource,
    TableSource,
)
from codetune.data.ingest.records import read_records
from codetune.data.ingest.table import Layout, Pair, read_pairs
from codetune.data.ingest.wheel import inner_licenses, python_members, read_license
from codetune.python_source.functions import row_id

_GROUP_DIGITS = 2
ReadChunk = Callable[[Chunk], Harvest]


@dataclass
class SourceData:
    """What was read from one source.

    :param source: its parameters.
    :param harvest: its rows and files.
    :param facts: values for the manifest. `seen` is the number of files of a code source, or of rows of a table,
        before anything was skipped.
    :param packages: the licence of each wheel, by pin.
    """

    source: Source
    harvest: Harvest
    facts: dict[str, Any]
    packages: dict[Pin, License] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadOptions:
    """How code sources are read.

    :param max_bytes: largest size of a source file.
    :param workers: number of worker processes; 0 for all cores.
    :param read: the work on one chunk.
    """

    max_bytes: int
    workers: int
    read: ReadChunk = read_chunk

    def harvest(self, chunks: Sequence[Chunk], name: str) -> Harvest:
        """Read all chunks. The result does not depend on the number of workers.

        :param chunks: the files to read, in the order of the result.
        :param name: name of the source, for the progress line.
        """
        survival = CrashTolerantMap(self.read, split_chunk, parser_died)
        whole = Harvest()
        for part in track(survival.map(chunks, self.workers), len(chunks), f"reading {name}"):
            whole.extend(part)
        return whole


def _declared(source: Source) -> License | None:
    """Return the licence that params.yaml gives for a source; None if it gives none."""
    return License(source.license, f"params.yaml: license of {source.name}") if source.license else None


def _declared_or_unknown(source: Source) -> License:
    return _declared(source) or License(UNKNOWN, "params.yaml names no license")


def _read_packages(source: PackagesSource, reading: ReadOptions) -> SourceData:
    pins = sorted(read_pins(project_path(source.file)), key=lambda pin: pin.name.lower())
    wheels = fetch(pins, project_path(source.cache), source.max_wheel_mb << 20)
    licenses = {pin: _declared(source) or read_license(path) for pin, path in wheels.items()}
    chunks: list[Chunk] = []
    for pin, wheel in wheels.items():
        name, found = pin.name.lower(), licenses[pin]
        origin = Origin(source.name, name, pin.version, found)
        inner, folders = inner_licenses(wheel), not source.license
        members = [
            Member(path, size, name, license=inner.of(path, folders=folders)) for path, size in python_members(wheel)
        ]
        chunks += chunked(origin, WheelReader(wheel), members, reading.max_bytes)
    harvest = reading.harvest(chunks, source.name)
    seen = sum(len(chunk.members) for chunk in chunks)
    return SourceData(source, harvest, {"file": source.file, "seen": seen}, licenses)


def _read_tree(
    source: FolderSource | StdlibSource,
    reading: ReadOptions,
    version: str,
    reader: Reader,
    files: list[tuple[str, int, str]],
    licenses: LicenseFiles,
    skipped: Counter[str],
) -> SourceData:
    """Read the listed files.

    :param files: path, size in bytes, and key (see `Member`) of each file.
    :param licenses: the licence information of the tree; a licence in params.yaml goes before that of a folder.
    :param skipped: number of files and folders that were not listed, by reason.
    """
    origin = Origin(source.name, source.name, version, _declared_or_unknown(source))
    groups = groups_of(path for path, _, _ in files)
    members = [
        Member(path, size, f"{source.name}/{groups[path]}", key, licenses.of(path, folders=not source.license))
        for path, size, key in files
    ]
    chunks = list(chunked(origin, reader, members, reading.max_bytes))
    harvest = reading.harvest(chunks, source.name)
    harvest.skipped += skipped
    return SourceData(source, harvest, {"version": version, "seen": len(members) + skipped.total()})


def _read_stdlib(source: StdlibSource, reading: ReadOptions) -> SourceData:
    root, skipped = Path(sysconfig.get_path("stdlib")), Counter[str]()
    files = [(path, size, "") for path, size in list_folder(root, skipped)]
    return _read_tree(source, reading, platform.python_version(), FolderReader(root), files, LicenseFiles(), skipped)


def _read_folder(source: FolderSource, reading: ReadOptions) -> SourceData:
    root, skipped = project_path(source.path), Counter[str]()
    if source.revision is None:
        files = [(path, size, "") for path, size in list_folder(root, skipped)]
        return _read_tree(source, reading, "", FolderReader(root), files, licenses_below(root), skipped)
    commit = resolve_revision(root, source.revision)
    files = list_revision(root, commit, skipped)
    return _read_tree(source, reading, commit, GitReader(root), files, licenses_at(root, commit), skipped)


def _layout(columns: Columns | None) -> Layout:
    given = columns.model_dump() if columns else {}
    return Layout(**{name: value for name, value in given.items() if value})


def _table_group(source: Source, pair: Pair) -> str:
    """Return the group of a row of a table: its value in the group column, or one of 256 groups.

    The 256 groups let one table fill train, val and test. The group is chosen by a hash of the instruction, so rows
    with the same instruction stay in one split.
    """
    if pair.group:
        return f"{source.name}/{pair.group}"
    return f"{source.name}/{hashlib.sha256(pair.instruction.encode()).hexdigest()[:_GROUP_DIGITS]}"


def _table_rows(
    source: TableSource | HubSource, origin: Origin, path: str, pairs: Iterator[tuple[int, Pair]]
) -> Iterator[dict[str, Any]]:
    seen: Counter[tuple[str, str]] = Counter()
    for number, pair in pairs:
        key = (pair.instruction, pair.completion)
        identity = row_id(source.name, "", *key, seen[key])
        seen[key] += 1
        license_ = pair.license or origin.license
        yield {
            "id": identity, "source": source.name, "group": _table_group(source, pair), "package": source.name,
            "version": origin.version, "license": license_.expression,
            "license_evidence": license_.evidence, "path": path, "kind": "pair", "qualname": f"row {number}",
            "start_line": number, "end_line": number,
            "signature": "", "docstring": "", "code": "", "instruction": pair.instruction,
            "completion": pair.completion,
        }  # fmt: skip


def _read_pairs(source: TableSource | HubSource, version: str, records: Iterator[Any]) -> SourceData:
    origin = Origin(source.name, source.name, version, _declared_or_unknown(source))
    harvest = Harvest()
    where = f"ingest.sources, {source.name}: {source.path}"
    pairs = read_pairs(where, records, _layout(source.columns), harvest.rows_skipped, harvest.notes)
    harvest.rows = list(_table_rows(source, origin, Path(source.path).name, pairs))
    seen = len(harvest.rows) + harvest.rows_skipped.total()
    return SourceData(source, harvest, {"path": source.path, "version": version, "seen": seen})


def _read_table(source: TableSource, _: ReadOptions) -> SourceData:
    path = project_path(source.path)
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise UserError(
            f"ingest.sources, {source.name}: {source.path} {what}",
            "Correct `path`; it is relative to the project folder.",
        )
    return _read_pairs(source, digest_file(path), read_records(path, source.format))


def _read_hub(source: HubSource, _: ReadOptions) -> SourceData:
    return _read_pairs(source, source.revision or "", read_hub(source))


_READERS: dict[str, Callable[[Any, ReadOptions], SourceData]] = {
    "packages": _read_packages, "stdlib": _read_stdlib, "folder": _read_folder, "table": _read_table, "hub": _read_hub,
}  # fmt: skip


def _limit(found: SourceData) -> None:
    """Keep only `limit` rows of a source: those with the smallest ids, in their order.

    Ids are hashes, so the sample prefers no folder and no position.
    """
    rows, limit = found.harvest.rows, found.source.limit
    if limit is not None and len(rows) > limit:
        chosen = set(sorted(row["id"] for row in rows)[:limit])
        found.harvest.rows = [row for row in rows if row["id"] in chosen]
        found.harvest.rows_skipped["over_limit"] += len(rows) - limit


def _drop_repeated(everything: list[SourceData]) -> None:
    """Keep a row id only in the first source that has it. Ids repeat when two lists pin the same package."""
    seen: set[str] = set()
    for found in everything:
        rows = found.harvest.rows
        found.harvest.rows = [row for row in rows if row["id"] not in seen]
        found.harvest.rows_skipped["in_an_earlier_source"] += len(rows) - len(found.harvest.rows)
        seen.update(row["id"] for row in found.harvest.rows)


def read_sources(params: IngestParams, read: ReadChunk = read_chunk) -> list[SourceData]:
    """Read all sources, in the order of params.yaml.

    :param read: the work on one chunk; tests replace it.
    :raises UserError: on the first source that cannot be read as a whole.
    """
    reading = ReadOptions(params.max_file_kb << 10, params.workers, read)
    everything = [_READERS[source.type](source, reading) for source in params.sources]
    _drop_repeated(everything)
    for found in everything:
        _limit(found)
    return everything
