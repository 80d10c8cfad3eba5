"""`codetune problems --renew`: write the list of verified held-out problems."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: codetune problems --renew")
@click.option("--renew", is_flag=True, help="Run every reference with its own examples again, in the sandbox.")
def problems(*, renew: bool) -> None:
    """Write data/problems.jsonl: the held-out problems whose reference passes its own examples.

    Commit this file to git.
    """
    if not renew:
        raise click.UsageError("Add --renew to verify all problems again and replace data/problems.jsonl.")
    from codetune.cli.execution import renew_problems

    click.echo(renew_problems(Path()))
