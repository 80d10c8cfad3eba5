"""`codetune check`: params.yaml, all problems at once."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: codetune check")
def check() -> None:
    """Check params.yaml and tell every problem at once.

    Where the base model is on this machine, it also says roughly how long training will take and how much memory.
    """
    from codetune.cli.sections import check_params
    from codetune.core.config import load_section
    from codetune.models.params import ModelParams
    from codetune.numerics import NumericsParams
    from codetune.training.forecast import rough_forecast
    from codetune.training.params import TrainParams

    check_params()
    train, named = load_section(TrainParams), Path(load_section(ModelParams).base)
    base = named if named.exists() else Path("models/base")
    if base.exists() and train.device == "cpu":
        click.echo(rough_forecast(base, train, load_section(NumericsParams), Path("reports/training/summary.json")))
