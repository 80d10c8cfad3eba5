"""`codetune problems --renew`: the list of held-out problems that can be believed."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: codetune problems --renew")
@click.option("--renew", is_flag=True, help="Run every reference with its own examples anew, in the sandbox.")
def problems(*, renew: bool) -> None:
    """Write data/problems.jsonl, the held-out problems whose reference passes its own examples, for git to keep."""
    if not renew:
        raise click.UsageError("Add --renew: it writes data/problems.jsonl anew.")
    from codetune.cli.execution import renew_problems

    click.echo(renew_problems(Path()))
