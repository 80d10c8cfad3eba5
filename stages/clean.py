"""Keep or drop every raw row with a reason, and split what is kept by package.

Reads: data/raw/rows.parquet, data/raw/files.parquet, params `clean`.
Writes: data/clean/{train,val,test}.jsonl (instruction rows), data/clean/ledger.parquet (for each raw row
where it came from and what became of it by what rule), data/clean/corpus.parquet (source files of the train groups, for
`pretrain`), reports/data.json (counts).
Guarantees: no package is in two splits; no kept row has the syntax tree, the instruction, or near-duplicate code of
another; no file of the corpus holds a duplicate of a row of val or test; same bytes for any number of workers.
Does not: paraphrase (that is `augment`), or change code beyond taking out the docstring and the outer indentation.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.cleaning.corpus import pretraining_files
from codetune.cleaning.ledger import LEDGER_SCHEMA, ledger_row
from codetune.cleaning.params import CleanParams
from codetune.cleaning.report import CORPUS_SCHEMA, data_report, instruction_row
from codetune.cleaning.split import Split
from codetune.cleaning.verdicts import Verdict, deduplicated, filtered, leaking_files, splits_of
from codetune.config import load_section
from codetune.errors import UserError, run_as_command
from codetune.files import write_json, write_jsonl
from codetune.tables import read_table, write_table


@dataclass(frozen=True)
class Inputs:
    """What the stage reads."""

    raw: Path = Path("data/raw")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    clean: Path = Path("data/clean")
    report: Path = Path("reports/data.json")


def _write_corpus(
    inputs: Inputs, path: Path, splits: dict[str, Split], leaking: set[tuple[str, str]]
) -> dict[str, Any]:
    reasons: Counter[str] = Counter()
    files = list(pretraining_files(iter(read_table(inputs.raw / "files.parquet")), splits, leaking, reasons))
    write_table(path, files, CORPUS_SCHEMA)
    sizes: Counter[str] = Counter()
    for file in files:
        sizes[file["license"]] += len(file["text"].encode())
    return {
        "files": len(files),
        "bytes": sum(sizes.values()),
        "bytes_by_license": dict(sorted(sizes.items())),
        "files_by_reason": dict(sorted(reasons.items())),
    }


def _require_splits(kept: list[Verdict], splits: dict[str, Split]) -> None:
    filled = {splits[verdict.row["group"]] for verdict in kept}
    for split in ("train", "val", "test"):
        if split not in filled:
            raise UserError(
                f"split {split} would be empty: {len(kept)} rows of {len(splits)} groups survive the filters",
                "Add to ingest.sources, or loosen the `clean` section of params.yaml.",
            )


def run(params: CleanParams, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The content of reports/data.json, after everything has been written."""
    rows = read_table(inputs.raw / "rows.parquet")
    verdicts = deduplicated(filtered(rows, params, params.workers or os.cpu_count() or 1), params.near_duplicate)
    splits = splits_of(verdicts, params)
    kept = [verdict for verdict in verdicts if verdict.kept]
    _require_splits(kept, splits)
    for split in ("train", "val", "test"):
        chosen = (instruction_row(verdict) for verdict in kept if splits[verdict.row["group"]] == split)
        write_jsonl(outputs.clean / f"{split}.jsonl", chosen)
    write_table(outputs.clean / "ledger.parquet", [ledger_row(verdict, splits) for verdict in verdicts], LEDGER_SCHEMA)
    corpus = _write_corpus(inputs, outputs.clean / "corpus.parquet", splits, leaking_files(verdicts, splits))
    report = data_report(verdicts, splits, corpus)
    write_json(outputs.report, report)
    return report


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    run_as_command(lambda: run(load_section(CleanParams), Inputs(), Outputs()))


if __name__ == "__main__":
    main()
