"""`codetune why`: show what each stage did with a row."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Examples: codetune why 3f2a91 · codetune why toolz/itertoolz.py:120 · codetune why groupby")
@click.argument("row")
def why(row: str) -> None:
    """Show what happened to a row, from the file it came from to the training set.

    ROW is an id or its beginning, PATH, PATH:LINE, or the name of a function.
    """
    from codetune.ledger.why import why as life

    click.echo(life(Path(), row))
