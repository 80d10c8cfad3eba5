"""Measure whether the metrics distinguish working programs from broken ones (frozen: run it with `make validity`).

Reads: data/raw/rows.parquet (functions with examples in their docstrings), data/clean/{problems,test}.jsonl (for the
baseline of BERTScore), params `validity`, `score`, `numerics`.
Writes: reports/validity/metrics.json, reports/validity/agreement.svg.
Guarantees: every program is run in the sandbox before it counts as working or broken. Nothing runs outside a sandbox.
Does not: use any model; it evaluates only the metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.core.files import write_json, write_text
from codetune.evaluation.metrics.baseline import Baseline, measure_baseline, read_references
from codetune.evaluation.metrics.bertscore import BertEncoder
from codetune.evaluation.metrics.matching import Matcher
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.metrics.table import match_pairs, score_answer, signatures
from codetune.evaluation.sandbox.isolation import find_isolation, python_release
from codetune.evaluation.sandbox.limits import Limits, calibrate_limits
from codetune.evaluation.validity.agreement import Score, agreement
from codetune.evaluation.validity.params import ValidityParams
from codetune.evaluation.validity.programs import Programs, make_programs
from codetune.models.encoders.locate import locate_encoder
from codetune.reporting.validity_plots import agreement_plot
from codetune.schemas.raw import RAW_ROWS
from codetune.schemas.reading import read_rows


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses."""

    validity: ValidityParams
    score: ScoreParams


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads."""

    rows: Path = Path("data/raw/rows.parquet")
    problems: Path = Path("data/clean/problems.jsonl")
    test: Path = Path("data/clean/test.jsonl")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    reports: Path = Path("reports/validity")


def _score(functions: list[Programs], encoder: BertEncoder, baseline: Baseline) -> Score:
    """Return a function that computes the metrics of `score` for an answer and its reference."""
    matcher = Matcher(encoder)
    pairs = [
        (text, each.reference)
        for each in functions
        for text in (*each.working.values(), *(source for _, source in each.broken))
    ]
    match_pairs(pairs, matcher, "programs")

    def score(answer: str, reference: str) -> dict[str, float]:
        found = score_answer({"answer": answer, "reference": reference}, matcher, baseline)
        return {name: value for name, value in found.items() if not name.endswith("_raw")}

    return score


# A report that names no Python release was made with this one.
_FIRST_PYTHON = "3.11"


def run(params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """Write metrics and plot. Return the content of metrics.json.

    :raises UserError: if the machine offers no isolation, or if no function can be used.
    """
    isolation = find_isolation()
    limits = calibrate_limits(Limits(cpu_s=params.validity.cpu_s), isolation)
    rows = read_rows(inputs.rows, RAW_ROWS, ["id", "kind", "code"])
    made = make_programs(rows, params.validity, isolation, limits)
    if not made.functions:
        raise UserError(
            f"none of the {made.counts['tried']} functions with examples passes its own examples",
            "Raise validity.functions, or add packages to ingest.",
        )
    settings = params.score.bertscore
    encoder = BertEncoder(locate_encoder(settings, "score.bertscore"), settings.layer)
    baseline = measure_baseline(encoder, read_references(inputs.problems, inputs.test), params.score)
    metrics = agreement(made.functions, _score(made.functions, encoder, baseline), params.score)
    report = {
        "functions": made.counts | {"compared": len(made.functions)},
        "equivalent": {kind: dict(counts) for kind, counts in sorted(made.equivalent.items())},
        "mutated": {kind: dict(counts) for kind, counts in sorted(made.mutated.items())},
        "metrics": metrics,
        "signatures": signatures(encoder, baseline),
    }
    if (release := python_release()) != _FIRST_PYTHON:
        report["python"] = release
    write_text(outputs.reports / "agreement.svg", agreement_plot(metrics, params.score.confidence))
    write_json(outputs.reports / "metrics.json", report)
    return report


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    numerics.fixed()
    run(Params(load_section(ValidityParams), load_section(ScoreParams)), Inputs(), Outputs())
