"""`codetune export hub`: push the exported model to the model hub."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLE = "Examples: codetune export hub me/my-model --dry · codetune export hub me/my-model --private"
_MB = 1e6


@click.command(epilog=_EXAMPLE)
@click.argument("repo_id")
@click.option("--private", is_flag=True, help="Create the repository as a private one.")
@click.option("--revision", help="Branch to push to; it is created if it does not exist.")
@click.option("--dry", is_flag=True, help="List what would be sent, and send nothing.")
def hub(repo_id: str, *, private: bool, revision: str | None, dry: bool) -> None:
    """Push models/export to the model hub.

    REPO_ID is OWNER/NAME. Safetensors, tokenizer, GGUF files and model card are sent. The token comes from
    `hf auth login` or from HF_TOKEN.
    """
    from codetune.publishing.hub import check_repository_name, exported_files, push_export

    check_repository_name(repo_id)
    files = exported_files(Path())
    for name, size in files:
        click.echo(f"{size / _MB:10,.1f} MB  {name}")
    total = f"{len(files)} files, {sum(size for _, size in files) / _MB:,.1f} MB"
    if dry:
        click.echo(f"{total}; nothing was sent.")
        return
    url = push_export(Path(), repo_id, private=private, revision=revision)
    click.echo(f"{total}: {url}")
