"""`codetune verify`: compute digests again, to find damaged outputs and a damaged DVC cache."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: codetune verify --cache")
@click.option("--cache", is_flag=True, help="Check the objects of the DVC cache that dvc.lock names.")
@click.option("--all", "everything", is_flag=True, help="Check all objects of the DVC cache; implies --cache.")
def verify(*, cache: bool, everything: bool) -> None:
    """Check that the outputs are what the stages wrote, by computing their digests again.

    DVC trusts files that look unchanged, so it does not notice a damaged disk. The exit status is 1 if something is
    damaged. Files that are missing here are counted, but they are no damage.
    """
    from codetune.history.verification import verify_cache, verify_outputs

    found = verify_cache(Path(), everything=everything) if cache or everything else verify_outputs(Path())
    for damage in found.damaged:
        click.echo(f"{damage.what}. {damage.remedy}")
    noun = "objects of the DVC cache" if cache or everything else "outputs"
    missing = f", {len(found.missing)} are not here" if found.missing else ""
    click.echo(f"{found.checked} {noun} checked, {len(found.damaged)} damaged{missing}.")
    if found.damaged:
        raise SystemExit(1)
