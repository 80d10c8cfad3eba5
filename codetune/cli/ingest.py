"""`codetune ingest --dry-run`: show how many rows each data source would give."""

from __future__ import annotations

import click


@click.command(epilog="Example: codetune ingest --dry-run")
@click.option("--dry-run", is_flag=True, help="Required: this command writes nothing (`dvc repro ingest` does).")
def ingest(*, dry_run: bool) -> None:
    """Show how many rows each source of `ingest.sources` would give, and what would be skipped, by reason."""
    if not dry_run:
        raise click.UsageError("Add --dry-run, or run `dvc repro ingest` to write the rows.")
    from codetune.core.config import load_section
    from codetune.data.ingest.params import IngestParams
    from codetune.data.ingest.report import describe
    from codetune.data.ingest.sources import read_sources

    for line in describe(read_sources(load_section(IngestParams))):
        click.echo(line)
