"""Check the final train, val and test for leaks: the model must not train on rows that it is measured on.

Reads: data/augmented/train.jsonl, data/clean/{val,test}.jsonl, data/benchmarks and the files of `clean.benchmarks`,
params `examine` and `numerics`.
Writes: reports/leaks.json.
Looks for: the same code or instruction; code that differs only in names and constants; near-duplicate code; rows with
the same meaning, by sentence embeddings.
Guarantees: if there are more leaks than params allow, the pipeline stops before training, with an error that names the
rows.
Does not: drop rows (`clean` does that).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.core.files import write_json
from codetune.data.clean.benchmarks import EVALUATED_BENCHMARKS, benchmark_files, read_benchmark
from codetune.data.clean.params import CleanParams
from codetune.data.leakage.examine import ComparedRow, Leak, TrainIndex, common_shingles, counts, find_leaks
from codetune.data.leakage.params import ExamineParams, SimilarityParams
from codetune.data.leakage.similar import similar_rows
from codetune.models.encoders.locate import locate_encoder
from codetune.models.encoders.sentences import SentenceEncoder
from codetune.numerics import NumericsParams
from codetune.schemas.declaration import Schema
from codetune.schemas.instructions import AUGMENTED, ORIGINALS
from codetune.schemas.reading import read_rows

_NAMED = 5


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses.

    :param benchmarks: benchmark files besides those that the models are asked; `clean` keeps these out of train too.
    """

    examine: ExamineParams
    benchmarks: tuple[str, ...]
    numerics: NumericsParams


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads, except the benchmark files that the parameters name."""

    train: Path = Path("data/augmented/train.jsonl")
    val: Path = Path("data/clean/val.jsonl")
    test: Path = Path("data/clean/test.jsonl")
    benchmarks: Path = EVALUATED_BENCHMARKS


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    report: Path = Path("reports/leaks.json")


def _rows(path: Path, schema: Schema) -> list[ComparedRow]:
    return [ComparedRow(row["id"], row["completion"], row["instruction"]) for row in read_rows(path, schema)]


def _tasks(path: Path) -> list[ComparedRow]:
    return [ComparedRow(task.id, task.code, task.instruction) for task in read_benchmark(path)]


def _too_many(found: dict[str, list[Leak]], params: ExamineParams) -> list[str]:
    """Return one text for each exceeded limit, with the first few rows."""
    held_out = [leak for split in ("val", "test") for leak in found[split]]
    benchmark = [leak for name, leaks in found.items() if name not in ("val", "test") for leak in leaks]
    limits = (
        ("exact", [leak for leak in held_out if leak.way in ("exact_code", "exact_instruction")], params.max_exact),
        ("renamed", [leak for leak in held_out if leak.way == "renamed"], params.max_renamed),
        ("near", [leak for leak in held_out if leak.way == "near"], params.max_near),
        ("similar", [leak for leak in held_out if leak.way == "similar"], params.max_similar),
        ("benchmark", benchmark, params.max_benchmark),
    )
    problems = []
    for name, leaks, most in limits:
        rows = sorted({leak.held_out for leak in leaks})
        if len(rows) > most:
            pairs = ", ".join(f"{leak.held_out} is {leak.train}" for leak in leaks[:_NAMED])
            problems.append(f"{name}: {len(rows)} held-out rows, at most {most} allowed ({pairs})")
    return problems


def _similar(
    train: list[ComparedRow], parts: dict[str, list[ComparedRow]], params: SimilarityParams
) -> dict[str, list[Leak]]:
    """Return, for each part, the rows with the same meaning as a train row."""
    key = "examine.similarity.encoder"
    encoder = SentenceEncoder(locate_encoder(params.encoder, key), key, params.max_tokens)
    held_out = [row for rows in parts.values() for row in rows]
    leaks = similar_rows(held_out, train, encoder, params)
    names = {row.id: name for name, rows in parts.items() for row in rows}
    return {name: [leak for leak in leaks if names[leak.held_out] == name] for name in parts}


def run(params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """Write reports/leaks.json. Return its content.

    :raises UserError: if more leaks were found than the parameters allow; then nothing is written.
    """
    examine = params.examine
    train = _rows(inputs.train, AUGMENTED)
    index = TrainIndex(train, examine.near_duplicate)
    splits = {"val": _rows(inputs.val, ORIGINALS), "test": _rows(inputs.test, ORIGINALS)}
    parts = splits | {path.name: _tasks(path) for path in benchmark_files(inputs.benchmarks, params.benchmarks)}
    common = common_shingles(row for rows in splits.values() for row in rows)
    found = {
        name: find_leaks(rows, index, len(rows), name, common if name in splits else frozenset())
        for name, rows in parts.items()
    }
    originals = list({row.code: row for row in reversed(train)}.values())
    for name, leaks in _similar(originals, splits, examine.similarity).items():
        found[name] += leaks
    if problems := _too_many(found, examine):
        raise UserError(
            f"held-out rows were found in train: {'; '.join(problems)}",
            "Tighten `clean` so that they are dropped, or raise the limits in the `examine` section of params.yaml.",
        )
    report = {
        "train_rows": len(train),
        "near_duplicate": examine.near_duplicate,
        "similarity": {"min_instruction": examine.similarity.min_instruction, "min_code": examine.similarity.min_code},
        **{name: counts(found[name], len(rows)) for name, rows in parts.items()},
    }
    write_json(outputs.report, report)
    return report


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    params = Params(load_section(ExamineParams), tuple(load_section(CleanParams).benchmarks), numerics.fixed())
    run(params, Inputs(), Outputs())
