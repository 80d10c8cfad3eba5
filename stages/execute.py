"""Run the answers of base and tuned model with tests, where params.yaml asks for it.

That shows whether they work, which no similarity does.

Reads: data/clean/test.jsonl and data/raw/rows.parquet (held-out functions and the examples in their docstrings), the
problem files that params name, the base model, models/adapter, params `execute`, `score`, `model`, `numerics`.
Writes: reports/execution/metrics.json (pass@k of both models, outcomes, the gain, the isolation in use) and
reports/execution/verdicts.jsonl (each answer, what came of it, and why).
Guarantees: nothing is run outside a sandbox, and where the machine offers none the stage fails: a metric is absent,
never zero; a problem whose own reference fails is left out and named; both models are given the same problems; a killed
run goes on from the answers it left in .cache/execution.
Does not: run anything by default (whether a sandbox is there differs from machine to machine); train on any of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codetune import numerics
from codetune.config import load_section
from codetune.errors import run_as_command
from codetune.execution.params import ExecuteParams
from codetune.files import JsonObject, write_json, write_jsonl
from codetune.journal import Journal
from codetune.modeling.params import ModelParams
from codetune.schemas.checking import checked
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.raw import RAW_ROWS
from codetune.schemas.reading import read_rows
from codetune.schemas.verdicts import VERDICTS
from codetune.scoring.params import ScoreParams
from codetune.scoring.samples import VARIANTS

if TYPE_CHECKING:
    from codetune.execution.suites import ProblemSet


@dataclass(frozen=True)
class Params:
    """The sections that the stage depends on."""

    execute: ExecuteParams
    score: ScoreParams
    model: ModelParams


@dataclass(frozen=True)
class Inputs:
    """What the stage reads, the base model and the problem files apart, which the parameters name."""

    test: Path = Path("data/clean/test.jsonl")
    raw: Path = Path("data/raw/rows.parquet")
    adapter: Path = Path("models/adapter")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    reports: Path = Path("reports/execution")
    journals: Path = Path(".cache/execution")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The content of metrics.json, after everything has been written.

    :raises UserError: when something is to be run and the machine offers no isolation.
    """
    from codetune.execution.suites import problem_sets

    asked = params.execute
    if not asked.doctests and not asked.problems:
        return _write(outputs, {}, [])

    from codetune.execution.figures import figures, lines
    from codetune.execution.trials import try_answers
    from codetune.sandbox.isolation import find_isolation
    from codetune.sandbox.limits import Limits, calibrated

    isolation = find_isolation()
    limits = calibrated(Limits(cpu_s=asked.cpu_s), isolation)
    raw = read_rows(inputs.raw, RAW_ROWS, ["id", "code"])
    report, rows = {}, []
    for problems in problem_sets(asked, read_rows(inputs.test, ORIGINALS), raw):
        answers = {variant: _answers(problems, params, inputs, outputs, variant) for variant in VARIANTS}
        tried = {name: try_answers(problems.problems, given, isolation, limits) for name, given in answers.items()}
        report[problems.name] = figures(problems, tried, asked.k, params.score)
        rows += lines(problems, tried, answers)
    return _write(outputs, report, rows)


def _write(outputs: Outputs, report: dict[str, Any], rows: list[JsonObject]) -> dict[str, Any]:
    path = outputs.reports / "verdicts.jsonl"
    write_jsonl(path, checked(rows, VERDICTS, path))
    write_json(outputs.reports / "metrics.json", report)
    return report


def _answers(
    problems: ProblemSet, params: Params, inputs: Inputs, outputs: Outputs, variant: str
) -> dict[str, list[str]]:
    """The answers of one model, by problem."""
    from codetune.execution.answering import Asking, answered
    from codetune.generation.sampling import SamplingSettings

    asked = params.execute
    sampling = SamplingSettings(
        temperature=asked.temperature, top_p=asked.top_p, max_new_tokens=asked.max_new_tokens, seed=asked.seed
    )
    adapter = inputs.adapter if variant == "tuned" else None
    model = params.model
    asking = Asking(model.base, adapter, asked.samples, sampling, model.revision, model.system)
    journal = Journal(outputs.journals / f"{problems.name}.{variant}.jsonl", asking.recipe(problems.problems))
    found: dict[str, list[str]] = {}
    for row in answered(problems.problems, asking, journal, journal.read() or []):
        if row["sample"] < asked.samples:
            found.setdefault(row["task_id"], []).append(row["completion"])
    return found


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    numerics.fix()
    params = Params(load_section(ExecuteParams), load_section(ScoreParams), load_section(ModelParams))
    run(params, Inputs(), Outputs())


if __name__ == "__main__":
    run_as_command(main)
