"""Examine the final train, val and test once more: nothing that is measured may have been trained on.

Reads: data/augmented/train.jsonl, data/clean/{val,test}.jsonl, the benchmark files that params `examine` names.
Writes: reports/leaks.json.
Guarantees: more leaks than params allow end the pipeline before anything is trained; the rows are named.
Does not: drop rows (that is `clean`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.config import load_section
from codetune.errors import UserError, run_as_command
from codetune.files import read_jsonl, write_json
from codetune.leakage.benchmarks import read_benchmark
from codetune.leakage.examine import Leak, Text, TrainIndex, counts, look_for
from codetune.leakage.params import ExamineParams

_NAMED = 5


@dataclass(frozen=True)
class Inputs:
    """What the stage reads, the benchmarks apart, which the parameters name."""

    train: Path = Path("data/augmented/train.jsonl")
    val: Path = Path("data/clean/val.jsonl")
    test: Path = Path("data/clean/test.jsonl")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    report: Path = Path("reports/leaks.json")


def _rows(path: Path) -> list[Text]:
    return [Text(row["id"], row["completion"], row["instruction"]) for row in read_jsonl(path)]


def _too_many(found: dict[str, list[Leak]], params: ExamineParams) -> list[str]:
    """What exceeds the thresholds, with the first few rows of each."""
    held_out = [leak for split in ("val", "test") for leak in found[split]]
    benchmark = [leak for name, leaks in found.items() if name not in ("val", "test") for leak in leaks]
    limits = (
        ("exact", [leak for leak in held_out if leak.way in ("exact_code", "exact_instruction")], params.max_exact),
        ("renamed", [leak for leak in held_out if leak.way == "renamed"], params.max_renamed),
        ("near", [leak for leak in held_out if leak.way == "near"], params.max_near),
        ("benchmark", benchmark, params.max_benchmark),
    )
    problems = []
    for name, leaks, most in limits:
        rows = sorted({leak.held_out for leak in leaks})
        if len(rows) > most:
            pairs = ", ".join(f"{leak.held_out} is {leak.train}" for leak in leaks[:_NAMED])
            problems.append(f"{name}: {len(rows)} held-out rows, at most {most} allowed ({pairs})")
    return problems


def run(params: ExamineParams, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The content of reports/leaks.json, after it has been written.

    :raises UserError: when more was found than the parameters allow; nothing is written then.
    """
    train = _rows(inputs.train)
    index = TrainIndex(train, params.near_duplicate)
    parts = {"val": _rows(inputs.val), "test": _rows(inputs.test)}
    parts |= {Path(name).name: read_benchmark(Path(name)) for name in params.benchmarks}
    found = {name: look_for(rows, index, len(rows), name) for name, rows in parts.items()}
    if problems := _too_many(found, params):
        raise UserError(
            f"held-out rows were found in train: {'; '.join(problems)}",
            "Tighten `clean` so that they are dropped, or raise the limits in the `examine` section of params.yaml.",
        )
    report = {
        "train_rows": len(train),
        "near_duplicate": params.near_duplicate,
        **{name: counts(found[name], len(rows)) for name, rows in parts.items()},
    }
    write_json(outputs.report, report)
    return report


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    run_as_command(lambda: run(load_section(ExamineParams), Inputs(), Outputs()))


if __name__ == "__main__":
    main()
