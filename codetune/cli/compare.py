"""`codetune compare`: show the differences between two revisions."""

from __future__ import annotations

from pathlib import Path

import click

from codetune.core.files import dump_json


@click.command(epilog="Examples: codetune compare HEAD workspace · codetune compare main my-experiment --markdown")
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="Print all numbers as JSON, not rounded.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the comparison as Markdown.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one table as comma-separated values.")
def compare(before: str, after: str, *, as_json: bool, as_markdown: bool, as_csv: bool) -> None:
    """Compare the metrics, parameters, stages and data of two revisions, and say which gains are more than noise.

    BEFORE and AFTER: `workspace`, or the name of a branch, tag, commit or experiment.
    """
    if as_json + as_markdown + as_csv > 1:
        raise click.UsageError("--json, --markdown and --csv exclude each other: use only one of them.")
    from codetune.compare.gather import side_by_side
    from codetune.compare.renderers import data, text

    found = side_by_side(Path(), before, after)
    if as_json:
        click.echo(dump_json(data.as_json(found)), nl=False)
    elif as_csv:
        click.echo(data.as_csv(found))
    else:
        click.echo(text.as_markdown(found) if as_markdown else text.as_text(found))
