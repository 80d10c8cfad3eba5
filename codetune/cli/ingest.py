"""`codetune ingest --dry-run`: what each source of the data would yield."""

from __future__ import annotations

import click


@click.command(epilog="Example: codetune ingest --dry-run")
@click.option("--dry-run", is_flag=True, help="Write nothing; this is the only way (`dvc repro ingest` writes).")
def ingest(*, dry_run: bool) -> None:
    """Say how many rows each source of `ingest.sources` would yield, and what would be passed over and why."""
    if not dry_run:
        raise click.UsageError("Add --dry-run, or run `dvc repro ingest` to write the rows.")
    from codetune.core.config import load_section
    from codetune.data.ingest.params import IngestParams
    from codetune.data.ingest.report import describe
    from codetune.data.ingest.sources import read_sources

    for line in describe(read_sources(load_section(IngestParams))):
        click.echo(line)
