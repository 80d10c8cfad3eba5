"""`codetune export space`: write a folder that runs as a Hugging Face Space."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLE = "Example: codetune export space ../my-space --title 'My model'"
_MB = 1e6


@click.command(epilog=_EXAMPLE)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--title", default="A tuned code model", show_default=True, help="Title of the Space.")
def space(folder: Path, title: str) -> None:
    """Write a Hugging Face Space into FOLDER.

    It has the pages Try and Compare, the base model, the adapter and the reports.
    """
    from codetune.publishing.space import write_space

    size = write_space(Path(), folder, title)
    click.echo(f"{folder} is a Space ({size / _MB:,.0f} MB).")
    create = "hf repos create OWNER/NAME --repo-type space --space-sdk docker"
    click.echo(f"Next: `{create}`, then `hf upload OWNER/NAME {folder} . --repo-type space`.")
