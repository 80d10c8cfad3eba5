"""Fetch the pinned packages and extract one row per documented function.

Reads: data/packages.txt, the wheels it pins (cache or package registry), params `ingest`.
Writes: data/raw/ — rows.parquet (documented functions), files.parquet (whole sources), manifest.json (counts).
Guarantees: every wheel has the pinned sha256 and a permissive licence, every file the digest of its wheel's RECORD;
the bytes written depend on the pins alone, not on workers or order of arrival.
Does not: run or unpack any code of the packages; judge rows (that is `clean`).
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.config import load_section
from codetune.errors import run_as_command
from codetune.files import atomic_folder, write_json
from codetune.ingestion.harvest import FILES_SCHEMA, ROWS_SCHEMA, Harvest, harvest
from codetune.ingestion.params import IngestParams
from codetune.ingestion.pins import Pin, fetch, read_pins
from codetune.ingestion.wheel import License, read_license
from codetune.tables import write_table


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    raw: Path = Path("data/raw")


def _manifest(found: Harvest, licenses: dict[Pin, License]) -> dict[str, Any]:
    rows = Counter(row["package"] for row in found.rows)
    files = Counter(file["package"] for file in found.files)
    return {
        "packages": len(licenses),
        "rows": len(found.rows),
        "files": len(found.files),
        "bytes": sum(len(file["text"].encode()) for file in found.files),
        "files_skipped": dict(sorted(found.skipped.items())),
        "sources": [
            {
                "package": pin.name.lower(),
                "version": pin.version,
                "sha256": pin.sha256,
                "license": license_.expression,
                "license_evidence": license_.evidence,
                "files": files[pin.name.lower()],
                "rows": rows[pin.name.lower()],
            }
            for pin, license_ in licenses.items()
        ],
    }


def run(params: IngestParams, outputs: Outputs) -> dict[str, Any]:
    """The manifest, after rows and files have been written."""
    pins = sorted(read_pins(Path(params.packages)), key=lambda pin: pin.name.lower())
    wheels = fetch(pins, Path(params.cache), params.max_wheel_mb << 20)
    licenses = {pin: read_license(path) for pin, path in wheels.items()}
    found = harvest(wheels, licenses, params.max_file_kb << 10, params.workers or os.cpu_count() or 1)
    manifest = _manifest(found, licenses)
    with atomic_folder(outputs.raw) as folder:
        write_table(folder / "rows.parquet", found.rows, ROWS_SCHEMA)
        write_table(folder / "files.parquet", found.files, FILES_SCHEMA)
        write_json(folder / "manifest.json", manifest)
    return manifest


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    run_as_command(lambda: run(load_section(IngestParams), Outputs()))


if __name__ == "__main__":
    main()
