"""`codetune export`: the group of commands."""

from __future__ import annotations

import click

from codetune.cli.export.hub import hub
from codetune.cli.export.ollama import ollama
from codetune.cli.export.space import space

_EXAMPLE = "Example: codetune export ollama ../my-model"


@click.group("export", epilog=_EXAMPLE)
def export() -> None:
    """Hand over the exported model: to ollama, a Hugging Face Space or the model hub.

    The model is in models/export, which `dvc repro export` writes.
    """


for _command in (ollama, space, hub):
    export.add_command(_command)
