"""Read the sources, and extract one row per documented function or per row of a table.

Reads: the sources that params `ingest` names: pinned wheels (cache or package registry), the standard library, folders,
git repositories, tables, data sets of the hub.
Writes: data/raw/ — rows.parquet (functions and pairs), files.parquet (whole sources), manifest.json (counts, and what
was passed over by reason).
Guarantees: every wheel has the pinned sha256 and a permissive licence, every file the digest of its wheel's RECORD;
the bytes written depend on the sources alone, not on workers or order of arrival; a file that cannot be read or parsed,
or that kills its parser, is counted and stops nothing.
Does not: run or unpack any code of the sources; judge rows (that is `clean`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.config import load_section
from codetune.core.files import atomic_folder, write_json
from codetune.core.tables import write_table
from codetune.data.ingest.params import IngestParams
from codetune.data.ingest.report import manifest
from codetune.data.ingest.sources import read_sources
from codetune.schemas.checking import checked
from codetune.schemas.manifest import MANIFEST
from codetune.schemas.raw import RAW_FILES, RAW_ROWS


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    raw: Path = Path("data/raw")


def run(params: IngestParams, outputs: Outputs) -> dict[str, Any]:
    """The manifest, after rows and files have been written."""
    everything = read_sources(params)
    report = manifest(everything)
    with atomic_folder(outputs.raw) as folder:
        rows = (row for found in everything for row in found.harvest.rows)
        files = (file for found in everything for file in found.harvest.files)
        for name, table, schema in (("rows.parquet", rows, RAW_ROWS), ("files.parquet", files, RAW_FILES)):
            write_table(folder / name, list(checked(table, schema, outputs.raw / name)), schema.arrow)
        (document,) = checked([report], MANIFEST, outputs.raw / "manifest.json")
        write_json(folder / "manifest.json", document)
    return report


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    run(load_section(IngestParams), Outputs())
