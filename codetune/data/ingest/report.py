"""Report what the sources gave: data/raw/manifest.json, and the lines of `codetune ingest --dry-run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from codetune.data.ingest.sources import SourceData

_SAMPLE_ROWS = 3
_SAMPLE_CHARS = 100


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {reason: count for reason, count in sorted(counts.items()) if count}


def _packages(found: SourceData) -> list[dict[str, Any]]:
    rows = Counter(row["package"] for row in found.harvest.rows)
    files = Counter(file["package"] for file in found.harvest.files)
    return [
        {
            "package": pin.name.lower(),
            "version": pin.version,
            "sha256": pin.sha256,
            "license": license_.expression,
            "license_evidence": license_.evidence,
            "files": files[pin.name.lower()],
            "rows": rows[pin.name.lower()],
        }
        for pin, license_ in found.packages.items()
    ]


def _source(found: SourceData) -> dict[str, Any]:
    harvest = found.harvest
    licenses = {row["license"] for row in harvest.rows} | {file["license"] for file in harvest.files}
    entry = {
        "name": found.source.name,
        "type": found.source.type,
        "licenses": sorted(licenses),
        **found.facts,
        "files": len(harvest.files),
        "rows": len(harvest.rows),
        "files_skipped": _sorted(harvest.skipped),
        "rows_skipped": _sorted(harvest.rows_skipped),
        "notes": _sorted(harvest.notes),
        "died": harvest.died,
    }
    return entry | ({"packages": _packages(found)} if found.packages else {})


def manifest(everything: list[SourceData]) -> dict[str, Any]:
    """Return the content of manifest.json: what every source gave, and what was skipped, by reason."""
    harvests = [found.harvest for found in everything]
    return {
        "rows": sum(len(harvest.rows) for harvest in harvests),
        "files": sum(len(harvest.files) for harvest in harvests),
        "bytes": sum(len(file["text"].encode()) for harvest in harvests for file in harvest.files),
        "files_skipped": _sorted(sum((harvest.skipped for harvest in harvests), Counter())),
        "rows_skipped": _sorted(sum((harvest.rows_skipped for harvest in harvests), Counter())),
        "sources": [_source(found) for found in everything],
    }


def reasons(counts: Counter[str]) -> str:
    """Return counts by reason as a text, such as `link 2, too_large 1`; `none` if there are none."""
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(counts.items()) if count) or "none"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SAMPLE_CHARS else f"{line[: _SAMPLE_CHARS - 1]}…"


def _sample(row: dict[str, Any]) -> Iterator[str]:
    yield f"  {row['id']}  {row['path']}  {row['qualname']}  ({row['group']})"
    yield f"    instruction: {_shortened(row.get('instruction') or row['docstring'])}"
    yield f"    completion:  {_shortened(row.get('completion') or row['code'])}"


def describe(everything: list[SourceData]) -> Iterator[str]:
    """Yield the lines of a dry run: counts for each source, and its three rows with the smallest ids."""
    for found in everything:
        harvest = found.harvest
        licenses = Counter(row["license"] for row in harvest.rows)
        yield f"{found.source.name} ({found.source.type}): {len(harvest.rows):,} rows, {len(harvest.files):,} files"
        yield f"  groups: {len({row['group'] for row in harvest.rows}):,}; licences: {reasons(licenses)}"
        yield f"  files without a row: {reasons(harvest.skipped)}"
        yield f"  rows skipped: {reasons(harvest.rows_skipped)}"
        if harvest.notes:
            yield f"  notes: {reasons(harvest.notes)}"
        for row in sorted(harvest.rows, key=lambda row: str(row["id"]))[:_SAMPLE_ROWS]:
            yield from _sample(row)
    total = sum(len(found.harvest.rows) for found in everything)
    yield f"{total:,} rows in total; nothing was written."
