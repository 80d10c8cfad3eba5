"""`codetune export ollama`: write a folder that `ollama create` takes."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLE = "Examples: codetune export ollama ../my-model · codetune export ollama ../my-model --type q8_0"


@click.command(epilog=_EXAMPLE)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--type",
    "kind",
    help="Number type of a merged model, such as q8_0; without it, the base model and the adapter are two files.",
)
def ollama(folder: Path, kind: str | None) -> None:
    """Write a Modelfile and the GGUF files that it names into FOLDER."""
    from codetune.publishing.ollama import write_ollama_folder

    names = write_ollama_folder(Path(), folder, kind)
    click.echo(f"{folder} contains {', '.join(names)}.")
    click.echo(f"Next: `cd {folder} && ollama create tuned --file Modelfile && ollama run tuned`.")
