"""`codetune why`: the life of a row."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Examples: codetune why 3f2a91 · codetune why toolz/itertoolz.py:120 · codetune why groupby")
@click.argument("row")
def why(row: str) -> None:
    """Tell what became of a row, from the archive it came in to the training set.

    ROW is an id or its beginning, PATH, PATH:LINE, or the name of a function.
    """
    from codetune.ledger.why import why as life

    click.echo(life(Path(), row))
