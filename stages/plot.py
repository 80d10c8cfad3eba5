"""Draw the scores: the distribution of BERTScore F1, and the gain per test package.

Reads: reports/scores.jsonl, params `score` (the intervals).
Writes: reports/plots/ (JSON data for `dvc plots`, and SVG plots).
Guarantees: the same scores give the same bytes.
Does not: score anything. So after a change of a colour or caption only this stage runs again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codetune.core.config import load_section
from codetune.core.files import atomic_folder
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.registry import schema
from codetune.reporting.score_plots import write_plots
from codetune.schemas.reading import read_rows


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads."""

    scores: Path = Path("reports/scores.jsonl")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    plots: Path = Path("reports/plots")


def run(params: ScoreParams, inputs: Inputs, outputs: Outputs) -> None:
    """Write the data and the plots."""
    rows = list(read_rows(inputs.scores, schema()))
    with atomic_folder(outputs.plots) as folder:
        write_plots(folder, rows, params)


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    run(load_section(ScoreParams), Inputs(), Outputs())
