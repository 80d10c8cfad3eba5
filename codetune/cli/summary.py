"""`codetune summary`: the metrics of the last run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from codetune.core.errors import UserError
from codetune.core.files import read_json

_METRICS = Path("reports/metrics.json")
_EXECUTION = Path("reports/execution/metrics.json")
_ROWS = (
    ("BERTScore F1", ("bertscore", "f1"), "f1"),
    ("Code BERTScore", ("code_bertscore",), "code_bertscore"),
    ("chrF", ("chrf",), "chrf"),
    ("BLEU", ("bleu",), "bleu"),
    ("exact match", ("exact_match",), None),
    ("answers that parse", ("syntax_valid",), "syntax_valid"),
    ("expected form", ("expected_form",), "expected_form"),
    ("within the limit", ("stopped",), None),
)


def _value(scores: dict[str, Any], path: tuple[str, ...]) -> float | None:
    """The number at a path, None where an older report has none."""
    found: Any = scores
    for key in path:
        found = found.get(key, {})
    return float(found) if isinstance(found, int | float) else None


def metrics_table(metrics: dict[str, Any]) -> str:
    """The content of reports/metrics.json as a table for the terminal."""
    lines = [f"{'':20}{'base':>10}{'tuned':>10}   gain (95 % interval)"]
    for label, path, gain in _ROWS:
        base, tuned = (_value(metrics[role], path) for role in ("base", "tuned"))
        if base is None or tuned is None:
            continue
        line = f"{label:20}{base:10.4f}{tuned:10.4f}"
        if gain:
            line += f"   {_interval(metrics['gain'][gain])}"
        lines.append(line)
    if "robustness" in metrics:
        found = metrics["robustness"]
        changed, moved = ([found[role][key] for role in ("base", "tuned")] for key in ("changed", "f1"))
        lines += ["", f"{found['prompts']} of the prompts in other words:"]
        lines.append(f"{'another answer':20}{changed[0]:10.4f}{changed[1]:10.4f}")
        line = f"{'change in F1':20}{moved[0]['mean']:+10.4f}{moved[1]['mean']:+10.4f}"
        lines.append(f"{line}   of tuned {_interval(moved[1])}")
    return "\n".join(lines)


def _interval(gain: dict[str, float]) -> str:
    return f"{gain['mean']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"


def execution_table(sets: dict[str, Any]) -> str:
    """The content of reports/execution/metrics.json as a table for the terminal; empty where nothing was run."""
    lines = []
    for name, found in sets.items():
        if "gain" in found:
            base, tuned = (found[role]["pass@1"] for role in ("base", "tuned"))
            told = f"{len(found['won'])} won, {len(found['lost'])} lost of {found['problems']}"
            lines.append(f"{f'pass@1 {name}':20}{base:10.4f}{tuned:10.4f}   {_interval(found['gain'])}, {told}")
    return "\n".join(lines)


def _told(path: Path, tell: Callable[[Any], str]) -> str:
    """What is told of a report.

    :raises UserError: when the report lacks what is told of.
    """
    try:
        return tell(read_json(path))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{path} is not what this version writes: {error!r}", "Run `dvc repro` to write it.") from None


@click.command("summary", epilog="Example: codetune summary")
def summary() -> None:
    """Print the metrics of the last run, base and tuned, with the gain and its interval."""
    click.echo(_told(_METRICS, metrics_table))
    if _EXECUTION.exists() and (told := _told(_EXECUTION, execution_table)):
        click.echo(f"\n{told}")
    click.echo(
        "\nNext: `make app` to compare and to try the model, `dvc metrics diff`, `dvc exp run -S train.lora.rank=8`."
    )
