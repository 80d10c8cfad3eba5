"""Keep or drop every raw row with a reason, and split the kept rows by package.

Reads: data/raw/rows.parquet; data/raw/files.parquet, to find what functions need from their modules;
data/reviews.jsonl; data/benchmarks and the files of `clean.benchmarks`; params `clean`.
Writes: data/clean/{train,val,test}.jsonl (instruction rows), data/clean/problems.jsonl (held-out rows whose docstring
examples can test an answer), data/clean/ledger.parquet (for each raw row its origin, and the rule that kept or dropped
it), data/clean/counts.json.
Guarantees: no group is in two splits, and groups that share much of their code are in the same split. No two kept rows
have the same syntax tree, the same instruction, near-duplicate code, or nearly the same instruction with similar code.
No train row is the solution of a named benchmark, contains the function of a held-out problem, or asks for nearly the
same. All licences are allowed. The bytes are the same for any number of workers and any order of the rows. The texts of
the rows are kept on disk, not in memory.
Does not: paraphrase (`augment` does that); run any code; change code, except to remove docstrings, annotations with
unknown names and the outer indentation. This stage, not `ingest`, finds what a function needs from its module: what a
function may need is a parameter of this stage, and only few rows pass the rules before that one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from codetune.core.config import load_section
from codetune.core.errors import UserError
from codetune.core.files import write_json, write_jsonl
from codetune.core.tables import count_rows, stream_table
from codetune.data.clean.benchmarks import EVALUATED_BENCHMARKS, BenchmarkIndex, benchmark_files, read_benchmark
from codetune.data.clean.params import CleanParams
from codetune.data.clean.problems import held_out_problem, problem_counts
from codetune.data.clean.report import data_report, instruction_row, ledger_row, review_counts
from codetune.data.clean.split import Split
from codetune.data.clean.spool import FileTexts, Spool
from codetune.data.clean.verdicts import (
    CHUNK_ROWS,
    RowDecision,
    decontaminated,
    deduplicated,
    filtered,
    joined_groups,
    limit_package_share,
    splits_of,
)
from codetune.schemas.checking import checked
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.ledger import LEDGER
from codetune.schemas.problems import HELD_OUT_PROBLEMS
from codetune.schemas.raw import RAW_FILES, RAW_ROWS
from codetune.schemas.reading import read_batches, read_rows
from codetune.schemas.reviews import REVIEWS, Review

_NAMED_REASONS = 3


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads."""

    raw: Path = Path("data/raw")
    benchmarks: Path = EVALUATED_BENCHMARKS
    reviews: Path = Path("data/reviews.jsonl")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    clean: Path = Path("data/clean")
    counts: Path = Path("data/clean/counts.json")


def _write_rows(folder: Path, verdicts: list[RowDecision], splits: dict[str, Split], spool: Spool) -> None:
    for split in ("train", "val", "test"):
        chosen = (verdict for verdict in verdicts if verdict.kept and splits[verdict.group] == split)
        path = folder / f"{split}.jsonl"
        rows = (instruction_row(spool.read(verdict.record)) for verdict in chosen)
        write_jsonl(path, checked(rows, ORIGINALS, path))
    path = folder / "problems.jsonl"
    write_jsonl(path, checked(held_out_problems(verdicts, spool), HELD_OUT_PROBLEMS, path))
    path = folder / "ledger.parquet"
    lines = (ledger_row(verdict, spool.read(verdict.record), splits) for verdict in verdicts)
    stream_table(path, checked(lines, LEDGER, path), LEDGER.arrow)


def held_out_problems(verdicts: list[RowDecision], spool: Spool) -> Iterator[dict[str, Any]]:
    """Yield the held-out rows whose docstring examples can test an answer."""
    for verdict in verdicts:
        if verdict.kept and verdict.held_out:
            record = spool.read(verdict.record)
            if isinstance(record["examples"], dict):
                yield held_out_problem(instruction_row(record), record["examples"])


def _reviews(path: Path) -> dict[str, Review]:
    """Return the findings of reviewers by row id; empty if the file does not exist."""
    found = cast("Iterator[Review]", read_rows(path, REVIEWS) if path.exists() else iter(()))
    return {row["id"]: row for row in found}


def _require_sources(rows: Path, params: CleanParams) -> None:
    """Check that every held-out source has rows.

    :raises UserError: if one has none.
    """
    if params.held_out:
        found = {row["source"] for row in read_rows(rows, RAW_ROWS, ["source"])}
        for name in params.held_out:
            if name not in found:
                raise UserError(
                    f"clean.held_out names {name!r}, expected a source that has rows: {', '.join(sorted(found))}",
                    "Name a source of ingest.sources, or leave the list empty.",
                )


def _require_splits(verdicts: list[RowDecision], splits: dict[str, Split]) -> None:
    filled = Counter(splits[verdict.group] for verdict in verdicts if verdict.kept)
    dropped = Counter(verdict.reason for verdict in verdicts if not verdict.kept)
    most = ", ".join(f"{reason} {count:,}" for reason, count in dropped.most_common(_NAMED_REASONS)) or "none"
    for split in ("train", "val", "test"):
        if split not in filled:
            raise UserError(
                f"split {split} would be empty: {filled.total()} rows of {len(splits)} groups are kept "
                f"(dropped: {most})",
                "Add sources to ingest.sources, or relax the limits in the `clean` section of params.yaml.",
            )


def run(params: CleanParams, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """Write rows, problems, ledger and counts. Return the content of data/clean/counts.json."""
    tasks = [task for path in benchmark_files(inputs.benchmarks, params.benchmarks) for task in read_benchmark(path)]
    rows = inputs.raw / "rows.parquet"
    _require_sources(rows, params)
    with Spool(outputs.clean) as spool, Spool(outputs.clean) as sources:
        batches = read_batches(rows, RAW_ROWS, CHUNK_ROWS)
        texts = None
        if params.context == "self_contained" or params.held_out:
            texts = FileTexts(read_rows(inputs.raw / "files.parquet", RAW_FILES), sources)
        reviews = _reviews(inputs.reviews) if params.reviews else {}
        verdicts = filtered(batches, count_rows(rows), params, spool, texts, reviews)
        verdicts = deduplicated(verdicts, params)
        joined = joined_groups(verdicts, params)
        splits = splits_of(verdicts, joined, params)
        verdicts = decontaminated(verdicts, splits, BenchmarkIndex(tasks, params.near_duplicate), params)
        verdicts = limit_package_share(verdicts, splits, params)
        _require_splits(verdicts, splits)
        _write_rows(outputs.clean, verdicts, splits, spool)
        held_out = [verdict for verdict in verdicts if verdict.kept and verdict.held_out]
        tried = problem_counts(spool.read(verdict.record)["examples"] for verdict in held_out)
    report = data_report(verdicts, splits, joined)
    report |= {"reviews": review_counts(verdicts, reviews), "held_out": tried}
    write_json(outputs.counts, report)
    return report


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    run(load_section(CleanParams), Inputs(), Outputs())
