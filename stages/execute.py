"""Run the answers of base and tuned model to problems with tests, in a sandbox.

This shows whether the answers work. Metrics of similarity cannot show that.

Reads: reports/samples/{base,tuned}.jsonl and {base,tuned}.benchmarks.jsonl, data/clean/problems.jsonl and
data/problems.jsonl (held-out functions and their examples), data/benchmarks, params `execute`, `score`.
Writes: reports/execution/metrics.json (for each set of problems: pass@1 of both models, the gain, the problems won and
lost) and reports/execution/verdicts.jsonl (the outcome of each answer, and why).
Guarantees: nothing runs outside a sandbox. If the machine offers none, both files are empty: a metric is missing,
never zero. A problem whose own reference fails is left out and named. The files contain nothing about the machine.
Does not: ask a model; copy a text of a benchmark.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.core.files import JsonObject, write_json, write_jsonl
from codetune.evaluation.execution.figures import figures, lines
from codetune.evaluation.execution.params import ExecuteParams
from codetune.evaluation.execution.trials import run_answers
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.samples import Samples, read_benchmark_samples, read_samples
from codetune.evaluation.problems.sets import ProblemSet, benchmark_sets, held_out_set
from codetune.evaluation.sandbox.isolation import find_isolation
from codetune.evaluation.sandbox.limits import Limits, calibrate_limits
from codetune.evaluation.sandbox.packages import package_paths
from codetune.schemas.checking import checked
from codetune.schemas.problems import HELD_OUT_PROBLEMS, VERIFIED_PROBLEMS
from codetune.schemas.reading import read_rows
from codetune.schemas.verdicts import VERDICTS


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses."""

    execute: ExecuteParams
    score: ScoreParams


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads."""

    base: Path = Path("reports/samples/base.jsonl")
    tuned: Path = Path("reports/samples/tuned.jsonl")
    base_benchmarks: Path = Path("reports/samples/base.benchmarks.jsonl")
    tuned_benchmarks: Path = Path("reports/samples/tuned.benchmarks.jsonl")
    problems: Path = Path("data/clean/problems.jsonl")
    verified: Path = Path("data/problems.jsonl")
    benchmarks: Path = Path("data/benchmarks")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    reports: Path = Path("reports/execution")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> JsonObject:
    """Run the answers, and write metrics and verdicts. Return the content of metrics.json."""
    packages = package_paths(params.execute.packages)
    report: JsonObject = {}
    rows: list[JsonObject] = []
    try:
        isolation = find_isolation()
    except UserError as error:
        again = "Then run `dvc repro --force --single-item execute`."
        sys.stderr.write(f"execute: no answer was run, so there is no pass@1: {error} {again}\n")
    else:
        isolation = replace(isolation, packages=packages) if packages else isolation
        limits = calibrate_limits(Limits(cpu_s=params.execute.cpu_s), isolation)
        for problems, samples in _answered(inputs):
            pairs = zip(*samples.values(), strict=True)
            answers = {pair[0]["id"]: [row["answer"] for row in pair] for pair in pairs}
            results = run_answers(problems.problems, answers, isolation, limits)
            tried = {variant: results.only(place) for place, variant in enumerate(samples)}
            report[problems.name] = figures(problems, tried, params.score)
            rows += lines(problems, tried)
    path = outputs.reports / "verdicts.jsonl"
    write_jsonl(path, checked(rows, VERDICTS, path))
    write_json(outputs.reports / "metrics.json", report)
    return report


def _answered(inputs: Inputs) -> Iterator[tuple[ProblemSet, Samples]]:
    """Yield each set of problems that were asked, with the answers of both models."""
    samples = read_samples(inputs.base, inputs.tuned)
    held_out = held_out_set(
        read_rows(inputs.problems, HELD_OUT_PROBLEMS), read_rows(inputs.verified, VERIFIED_PROBLEMS)
    )
    found = [(held_out, samples)]
    sets = benchmark_sets(inputs.benchmarks)
    tasks = read_benchmark_samples(inputs.base_benchmarks, inputs.tuned_benchmarks, sets)
    found += [(each, tasks[each.name]) for each in sets if each.name in tasks]
    for problems, answers in found:
        asked = problems.only(row["id"] for row in answers["base"])
        if asked.problems:
            yield asked, answers


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    run(Params(load_section(ExecuteParams), load_section(ScoreParams)), Inputs(), Outputs())
