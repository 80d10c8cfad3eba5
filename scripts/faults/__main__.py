"""Run a fault campaign: `python -m scripts.faults kills --count 100`. The exit status is 1 if a trial fails."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from codetune.core.errors import run_as_command
from scripts.faults import default, disk_full, kills, power_cut, rot, together
from scripts.faults.campaign import Trial, run_trials
from scripts.faults.project import States, prepared

_WORK = Path(".cache/faults")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--work", type=click.Path(path_type=Path), default=_WORK, help="Folder for projects and results.")
@click.option("--seed", type=click.IntRange(0), default=7, help="Chooses moments, victims and bits.")
@click.pass_context
def cli(context: click.Context, work: Path, seed: int) -> None:
    """Disturb the pipeline, run it again, and compare every byte with an undisturbed run.

    A campaign that is interrupted continues where it stopped. docs/reliability.md describes the campaigns.
    """
    context.obj = (work.resolve(), seed)


def _campaign(context: click.Context, name: str, count: int, make: Any) -> None:
    work, seed = context.obj
    states = prepared(work)
    trial: Trial = partial(make, states)
    if not run_trials(name, states.folder, count, seed, trial):
        raise SystemExit(1)


_COUNT = click.IntRange(1)


@cli.command("kills")
@click.option("--count", type=_COUNT, default=100, help="Number of trials.")
@click.option("--experiments", is_flag=True, help="Kill `dvc exp run` instead of `dvc repro`.")
@click.pass_context
def _kills(context: click.Context, count: int, *, experiments: bool) -> None:
    """Kill a run with SIGKILL, and run it again."""
    command = kills.EXPERIMENT if experiments else kills.REPRO

    def one(states: States, number: int, rng: Any, folder: Path) -> Any:
        return kills.trial(states, command, number, count, rng, folder)

    _campaign(context, "kills-experiments" if experiments else "kills", count, one)


@cli.command("default")
@click.option("--kills", "times", type=_COUNT, default=5, help="How often the run is killed.")
@click.option("--apart", type=click.FloatRange(1), default=120, help="Average time between two kills, in seconds.")
@click.pass_context
def _default(context: click.Context, times: int, apart: float) -> None:
    """Kill the pipeline of the default parameters in a clone of HEAD, several times in one run."""
    work, seed = context.obj
    folder = work / f"default-{default.head()}"
    folder.mkdir(parents=True, exist_ok=True)
    if not run_trials(f"default-{times}-{apart:g}", folder, 1, seed, partial(default.trial, times, apart)):
        raise SystemExit(1)


@cli.command("power-cut")
@click.option("--count", type=_COUNT, default=20, help="Number of trials.")
@click.pass_context
def _power_cut(context: click.Context, count: int) -> None:
    """Kill a run, and drop what was not written to the disk for certain."""

    def one(states: States, number: int, rng: Any, folder: Path) -> Any:
        return power_cut.trial(states, number, count, rng, folder)

    _campaign(context, "power-cut", count, one)


@cli.command("disk-full")
@click.option("--count", type=_COUNT, default=20, help="Number of trials, each with another amount of free space.")
@click.pass_context
def _disk_full(context: click.Context, count: int) -> None:
    """Run on a small file system that fills up."""
    if reason := disk_full.refusal():
        click.echo(f"disk-full is skipped: {reason}")
        return

    def one(states: States, number: int, rng: Any, folder: Path) -> Any:
        return disk_full.trial(states, number, count, rng, folder)

    _campaign(context, "disk-full", count, one)


@cli.command("rot")
@click.option("--count", type=_COUNT, default=3 * len(rot.KINDS), help="Number of trials; kinds of files take turns.")
@click.pass_context
def _rot(context: click.Context, count: int) -> None:
    """Flip one bit in a file."""
    _campaign(context, "rot", count, rot.trial)


@cli.command("together")
@click.option("--count", type=_COUNT, default=len(together.KINDS), help="Number of trials; kinds take turns.")
@click.pass_context
def _together(context: click.Context, count: int) -> None:
    """Run two processes on the same files."""
    _campaign(context, "together", count, together.trial)


if __name__ == "__main__":
    run_as_command(cli)
