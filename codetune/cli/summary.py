"""`codetune summary`: print the metrics of the last run as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from codetune.core.errors import UserError
from codetune.core.files import read_json
from codetune.evaluation.metrics.registry import F1, catalogue

_METRICS = Path("reports/metrics.json")
_EXECUTION = Path("reports/execution/metrics.json")
_WIDTH = 22


def _value(scores: dict[str, Any], key: str) -> float | None:
    """Return the number at a dotted key; None if the report, perhaps an older one, does not have it."""
    found: Any = scores
    for part in key.split("."):
        found = found.get(part, {})
    return float(found) if isinstance(found, int | float) else None


def metrics_table(metrics: dict[str, Any]) -> str:
    """Return the metrics of the base and the tuned model, with the gains, as a table for the terminal.

    :param metrics: the content of reports/metrics.json.
    """
    lines = [f"{'':{_WIDTH}}{'base':>10}{'tuned':>10}   gain (95 % interval)"]
    for metric in catalogue():
        base, tuned = (_value(metrics[role], metric.key) for role in ("base", "tuned"))
        if base is None or tuned is None or not metric.brief:
            continue
        line = f"{metric.label:{_WIDTH}}{metric.show(base):>10}{metric.show(tuned):>10}"
        if metric.gain:
            line += f"   {metric.show_interval(metrics['gain'][metric.gain])}"
        lines.append(line)
    if "robustness" in metrics:
        found = metrics["robustness"]
        changed, moved = ([found[role][key] for role in ("base", "tuned")] for key in ("changed", F1.gain))
        lines += ["", f"{found['prompts']} of the prompts, reworded:"]
        lines.append(f"{'answers that changed':{_WIDTH}}{changed[0]:10.4f}{changed[1]:10.4f}")
        ends = [F1.show(each["mean"], signed=True) for each in moved]
        line = f"{f'change in {F1.label}':{_WIDTH}}{ends[0]:>10}{ends[1]:>10}"
        lines.append(f"{line}   of tuned {F1.show_interval(moved[1])}")
    return "\n".join(lines)


def _interval(gain: dict[str, float]) -> str:
    return f"{gain['mean']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"


def execution_table(sets: dict[str, Any]) -> str:
    """Return pass@1 of the base and the tuned model, with the gains, as a table for the terminal.

    :param sets: the content of reports/execution/metrics.json.
    :returns: one line per set of problems; empty if no answer was run.
    """
    lines = []
    for name, found in sets.items():
        if "gain" in found:
            base, tuned = (found[role]["pass@1"] for role in ("base", "tuned"))
            told = f"{len(found['won'])} won, {len(found['lost'])} lost of {found['problems']}"
            lines.append(f"{f'pass@1 {name}':{_WIDTH}}{base:10.4f}{tuned:10.4f}   {_interval(found['gain'])}, {told}")
    return "\n".join(lines)


def _told(path: Path, tell: Callable[[Any], str]) -> str:
    """Return the table that `tell` makes of a report.

    :raises UserError: when a value that the table needs is not in the report.
    """
    try:
        return tell(read_json(path))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"{path} does not have the content that this version of codetune writes: {error!r}",
            "Run `dvc repro` to write it again.",
        ) from None


@click.command("summary", epilog="Example: codetune summary")
def summary() -> None:
    """Print the metrics of the last run: base model, tuned model, and the gain with its 95 % interval."""
    click.echo(_told(_METRICS, metrics_table))
    if _EXECUTION.exists() and (told := _told(_EXECUTION, execution_table)):
        click.echo(f"\n{told}")
    click.echo(
        "\nNext: `make app` to compare models and to try them, `dvc metrics diff`, `dvc exp run -S train.lora.rank=8`."
    )
