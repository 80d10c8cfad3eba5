"""Schema of data/raw/manifest.json: the number of files and rows from each source."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from codetune.schemas.columns import Count, Sha256, Text, Words
from codetune.schemas.declaration import STRICT, Schema


class Package(TypedDict):
    """A pinned wheel, and the number of files and rows that were read from it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    package: Words
    version: Words
    sha256: Sha256
    license: Words
    license_evidence: Text
    files: Count
    rows: Count


class Source(TypedDict):
    """A source of params.yaml: its location, the files and rows that it yielded, and those skipped, counted by reason.

    `died` names the files that crashed a worker process.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]
    name: Words
    type: Words
    licenses: list[Words]
    file: NotRequired[Words]
    path: NotRequired[Words]
    version: NotRequired[Text]
    seen: Count
    files: Count
    rows: Count
    files_skipped: dict[str, Count]
    rows_skipped: dict[str, Count]
    notes: dict[str, Count]
    died: list[Words]
    packages: NotRequired[list[Package]]


class Manifest(TypedDict):
    """The totals over all sources, and each source."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    rows: Count
    files: Count
    bytes: Count
    files_skipped: dict[str, Count]
    rows_skipped: dict[str, Count]
    sources: list[Source]


MANIFEST = Schema(Manifest, "ingest", label=None, unique=False)
