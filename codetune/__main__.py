"""The command line: `python -m codetune check | summary`; the pipeline itself is run by DVC."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from codetune.errors import run_as_command
from codetune.files import read_json
from codetune.sections import check_params

_METRICS = Path("reports/metrics.json")
_ROWS = (
    ("BERTScore F1", ("bertscore", "f1"), "f1"),
    ("chrF", ("chrf",), "chrf"),
    ("BLEU", ("bleu",), None),
    ("exact match", ("exact_match",), None),
    ("answers that parse", ("syntax_valid",), "syntax_valid"),
    ("stopped by itself", ("stopped",), None),
)


def _value(scores: dict[str, Any], path: tuple[str, ...]) -> float:
    found: Any = scores
    for key in path:
        found = found[key]
    return float(found)


def summary(metrics: dict[str, Any]) -> str:
    """The content of reports/metrics.json as a table for the terminal."""
    lines = [f"{'':20}{'base':>10}{'tuned':>10}   gain per prompt (95 % interval)"]
    for label, path, gain in _ROWS:
        line = f"{label:20}{_value(metrics['base'], path):10.4f}{_value(metrics['tuned'], path):10.4f}"
        if gain:
            interval = metrics["gain"][gain]
            line += f"   {interval['mean']:+.4f} ({interval['low']:+.4f} to {interval['high']:+.4f})"
        lines.append(line)
    return "\n".join(lines)


def _print_summary() -> None:
    print(summary(read_json(_METRICS)))
    print("\nNext: `make app` to compare and to try the model, `dvc metrics diff`, `dvc exp run -S train.lora.rank=8`.")


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m codetune", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="check params.yaml, all problems at once")
    commands.add_parser("summary", help="print the metrics of the last run")
    command = parser.parse_args().command
    run_as_command(check_params if command == "check" else _print_summary)


if __name__ == "__main__":
    main()
