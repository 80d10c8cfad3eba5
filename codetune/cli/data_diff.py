"""`codetune data-diff`: show the rows that differ between two revisions."""

from __future__ import annotations

from pathlib import Path

import click

from codetune.core.files import dump_json


@click.command("data-diff", epilog="Example: codetune data-diff HEAD workspace")
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def data_diff(before: str, after: str, *, as_json: bool) -> None:
    """Show which rows were added, were removed, or have another verdict, between two revisions.

    BEFORE and AFTER: `workspace`, or the name of a branch, tag, commit or experiment.
    """
    from codetune.ledger.difference import data_difference

    text, content = data_difference(Path(), before, after)
    click.echo(dump_json(content) if as_json else text, nl=not as_json)
