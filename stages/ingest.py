"""Read the sources, and extract one row per documented function or per row of a table.

Reads: the sources named in params `ingest`: pinned wheels (from the cache or the package registry), the standard
library, folders, git repositories, tables, and data sets of the hub.
Writes: data/raw/, with rows.parquet (functions and pairs), files.parquet (whole source files) and manifest.json
(counts, also of what was skipped, by reason).
Guarantees: every wheel has the pinned sha256 and a permissive licence. Every file has the digest in the RECORD of its
wheel. The written bytes depend only on the sources, not on the number of workers or the order in which they finish. A
file that cannot be read or parsed, or that crashes the parser, is counted, and the stage continues.
Fails if a source gives no row at all.
Does not: run or unpack code of the sources; judge rows (`clean` does that).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.core.files import atomic_folder, write_json
from codetune.core.tables import write_table
from codetune.data.ingest.params import IngestParams
from codetune.data.ingest.report import manifest, reasons
from codetune.data.ingest.sources import SourceData, read_sources
from codetune.schemas.checking import checked
from codetune.schemas.manifest import MANIFEST
from codetune.schemas.raw import RAW_FILES, RAW_ROWS


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    raw: Path = Path("data/raw")


def _require_rows(everything: list[SourceData]) -> None:
    """Check that each source has given a row, or rows that an earlier source has too.

    :raises UserError: if one has given none.
    """
    for found in everything:
        harvest = found.harvest
        if not harvest.rows and not harvest.rows_skipped["in_an_earlier_source"]:
            kind = "rows" if found.source.type in ("table", "hub") else "Python files"
            raise UserError(
                f"ingest.sources, {found.source.name}: no row was found (number of {kind}: {found.facts['seen']}; "
                f"skipped: {reasons(harvest.skipped + harvest.rows_skipped)})",
                "Correct the place that it names, or remove the source. A row is a function with a docstring, or a "
                "pair of instruction and answer.",
            )


def run(params: IngestParams, outputs: Outputs) -> dict[str, Any]:
    """Write rows, files and manifest. Return the manifest.

    :raises UserError: if a source cannot be read, or gives no row.
    """
    everything = read_sources(params)
    _require_rows(everything)
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
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    run(load_section(IngestParams), Outputs())
