"""data/raw/manifest.json: what every source gave."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from codetune.schemas.columns import Count, Sha256, Text, Words
from codetune.schemas.declaration import STRICT, Schema


class Package(TypedDict):
    """A pinned wheel, and what came out of it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    package: Words
    version: Words
    sha256: Sha256
    license: Words
    license_evidence: Text
    files: Count
    rows: Count


class Source(TypedDict):
    """A source of params.yaml: where it is, what it gave, and what was passed over, by reason."""

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
    """The sums over all sources, and the sources."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    rows: Count
    files: Count
    bytes: Count
    files_skipped: dict[str, Count]
    rows_skipped: dict[str, Count]
    sources: list[Source]


MANIFEST = Schema(Manifest, "ingest", label=None, unique=False)
