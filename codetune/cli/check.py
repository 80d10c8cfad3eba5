"""`codetune check`: check params.yaml and report all its problems together."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: codetune check")
def check() -> None:
    """Check params.yaml and report every problem at once.

    It also completes a dvc.lock that a killed `dvc` left incomplete. If the base model is on this machine, it
    estimates the time and the memory that training takes.
    """
    from codetune.cli.sections import check_params
    from codetune.core.config import load_section
    from codetune.history.lock_copy import restore_lock
    from codetune.models.params import ModelParams
    from codetune.numerics import NumericsParams
    from codetune.training.forecast import rough_forecast
    from codetune.training.params import TrainParams

    check_params()
    if restore_lock(Path()):
        click.echo("dvc.lock was incomplete, because a `dvc` command was killed while it wrote it. It is restored.")
    train, named = load_section(TrainParams), Path(load_section(ModelParams).base)
    base = named if named.exists() else Path("models/base")
    if base.exists() and train.device == "cpu":
        click.echo(rough_forecast(base, train, load_section(NumericsParams), Path("reports/training/summary.json")))
