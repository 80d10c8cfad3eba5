"""The command line: `codetune check`, `codetune compare HEAD workspace`, … DVC runs the pipeline itself."""

from __future__ import annotations

import os
import sys

import click

from codetune.cli.answer import answer
from codetune.cli.chat import chat
from codetune.cli.check import check
from codetune.cli.compare import compare
from codetune.cli.data_diff import data_diff
from codetune.cli.execute import execute
from codetune.cli.export.group import export
from codetune.cli.ingest import ingest
from codetune.cli.problems import problems
from codetune.cli.serve import serve
from codetune.cli.summary import summary
from codetune.cli.verify import verify
from codetune.cli.why import why
from codetune.core.errors import run_as_command

_NAME = "codetune"
_COMPLETION = "_CODETUNE_COMPLETE"  # set by a shell that asks for the completions of a line


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`dvc repro` (or `make repro`) runs the pipeline. `make app` starts the web page.",
)
def cli() -> None:
    """Fine-tune small code models reproducibly: check parameters, inspect data, try models, compare results."""


_COMMANDS = (check, verify, summary, compare, why, data_diff, ingest, answer, execute, problems, serve, chat, export)
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command that `sys.argv` names. An error is printed as one line on standard error."""
    run_as_command(_run)


def _run() -> None:
    if _COMPLETION in os.environ:
        cli.main(prog_name=_NAME)
    try:
        with cli.make_context(_NAME, sys.argv[1:]) as context:
            cli.invoke(context)
    except click.exceptions.Exit as done:
        raise SystemExit(done.exit_code) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
