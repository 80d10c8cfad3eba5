"""Paraphrase the instructions of train rows, so that the model learns the task and not one wording of it.

Reads: data/clean/{train,test}.jsonl, params `augment`; the phrase tables codetune/augmentation/phrases*.yaml.
Writes: data/augmented/train.jsonl (the rows unchanged, then their paraphrases), data/augmented/test.jsonl (paraphrases
of the test rows, in wordings that no train row has), reports/augmentation.json (counts).
Guarantees: a paraphrase holds the same identifiers, numbers, quoted text and words of negation as its parent, in the
same order; it differs from every other instruction; it has its parent's id, group and completion; the bytes written
depend on rows, table and parameters alone, not on the number of workers.
Does not: touch completions; add anything to val or test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.augmentation.params import AugmentParams
from codetune.augmentation.report import augmentation_report, wordings_report
from codetune.augmentation.rows import augment
from codetune.augmentation.table import HELD_OUT_FILE, load_table
from codetune.config import load_section
from codetune.errors import UserError, run_as_command
from codetune.files import JsonObject, read_jsonl, write_json, write_jsonl


@dataclass(frozen=True)
class Inputs:
    """What the stage reads."""

    train: Path = Path("data/clean/train.jsonl")
    test: Path = Path("data/clean/test.jsonl")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    train: Path = Path("data/augmented/train.jsonl")
    test: Path = Path("data/augmented/test.jsonl")
    report: Path = Path("reports/augmentation.json")


def _read_rows(path: Path) -> list[JsonObject]:
    """The rows of `path`, each known to have an instruction and an id of its own."""
    rows = read_jsonl(path)
    lines: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        for key in ("id", "instruction"):
            if not isinstance(row.get(key), str) or not row[key]:
                raise UserError(f"{path}:{number} has {key} {row.get(key)!r}, expected text", "Mend the line.")
        first = lines.setdefault(row["id"], number)
        if first != number:
            raise UserError(f"{path}:{number} has the id of line {first}, {row['id']}", "Give each row its own id.")
    return rows


def run(params: AugmentParams, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The content of reports/augmentation.json, after everything has been written."""
    result = augment(_read_rows(inputs.train), params)
    reworded = augment(_read_rows(inputs.test), params.model_copy(update={"share": 1.0, "per_row": 1}), HELD_OUT_FILE)
    write_jsonl(outputs.train, result.rows)
    write_jsonl(outputs.test, reworded.paraphrases)
    report = augmentation_report(result, load_table(), params)
    report["held_out_wordings"] = wordings_report(reworded, load_table(HELD_OUT_FILE))
    write_json(outputs.report, report)
    return report


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    run_as_command(lambda: run(load_section(AugmentParams), Inputs(), Outputs()))


if __name__ == "__main__":
    main()
