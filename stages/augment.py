"""Paraphrase the instructions of train rows, so that the model learns the task and not one wording of it.

Reads: data/clean/{train,test}.jsonl, data/clean/ledger.parquet, params `augment`, `numerics`; phrase tables and
labelled pairs of codetune/data/augment/; for the methods contextual and back_translation the models that `augment`
names.
Writes: data/augmented/train.jsonl (the rows unchanged, then their paraphrases), data/augmented/test.jsonl (paraphrases
of the test rows, in wordings that no train row has), data/augmented/ledger.parquet (the ledger with the paraphrases of
each row), reports/augmentation.json (counts, by reason where a draw was
rejected), data/augmented/similarities.json (of the labelled pairs and of the drafts; `describe` draws them).
Guarantees: a paraphrase holds the same identifiers, numbers, quoted text, words of negation and words that compare as
its parent, in the same order; it brings in no error of article, agreement, spacing or capitals that is looked for; its
embedding is near its parent's, and its words are not; it differs from every other instruction; it has its parent's id,
group and completion; the bytes written depend on rows, tables, models and parameters alone, not on the number of
workers.
Does not: touch completions; add anything to val or test; promise that the meaning is kept: the embedding hardly tells
opposites, and reports/augmentation.json says how many labelled pairs it gets wrong.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.files import JsonObject, write_json, write_jsonl
from codetune.core.tables import stream_table
from codetune.data.augment.meaning import calibrate, similarities
from codetune.data.augment.params import AugmentParams
from codetune.data.augment.report import augmentation_report, meaning_report, wordings_report
from codetune.data.augment.rows import Augmentation, augment, paraphraser_of
from codetune.data.augment.table import HELD_OUT_FILE, load_table
from codetune.models.encoders.locate import locate_encoder
from codetune.models.encoders.sentences import SentenceEncoder
from codetune.schemas.checking import checked
from codetune.schemas.instructions import AUGMENTED, ORIGINALS, PARAPHRASES
from codetune.schemas.ledger import AUGMENTED_LEDGER, LEDGER
from codetune.schemas.reading import read_rows

_ENCODER = "augment.meaning.encoder"


@dataclass(frozen=True)
class Inputs:
    """What the stage reads."""

    train: Path = Path("data/clean/train.jsonl")
    test: Path = Path("data/clean/test.jsonl")
    ledger: Path = Path("data/clean/ledger.parquet")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    train: Path = Path("data/augmented/train.jsonl")
    test: Path = Path("data/augmented/test.jsonl")
    ledger: Path = Path("data/augmented/ledger.parquet")
    report: Path = Path("reports/augmentation.json")
    similarities: Path = Path("data/augmented/similarities.json")


def run(params: AugmentParams, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The content of reports/augmentation.json, after everything has been written."""
    train, test = list(read_rows(inputs.train, ORIGINALS)), list(read_rows(inputs.test, ORIGINALS))
    gate = params.meaning
    encoder = SentenceEncoder(locate_encoder(gate.encoder, _ENCODER), _ENCODER, gate.max_tokens)
    compare = partial(similarities, embed=encoder.embed)
    result = augment(train, params, compare, paraphraser=paraphraser_of(params))
    reworded = augment(test, params.model_copy(update={"share": 1.0, "per_row": 1}), compare, HELD_OUT_FILE)
    calibration = calibrate(encoder.embed, gate.min_similarity)
    report = augmentation_report(result, load_table(), params)
    report["held_out_wordings"] = wordings_report(reworded, load_table(HELD_OUT_FILE))
    report["meaning"] = meaning_report(calibration, encoder.signature)
    _write_ledger(inputs.ledger, outputs.ledger, [*result.paraphrases, *reworded.paraphrases])
    write_json(outputs.similarities, asdict(calibration) | {"paraphrases": result.similarities})
    _write(outputs, result, reworded, report)
    return report


def _write_ledger(source: Path, path: Path, paraphrases: list[JsonObject]) -> None:
    """The ledger with the children of every row."""
    children: dict[str, list[str]] = defaultdict(list)
    for row in paraphrases:
        children[row["parent"]].append(row["id"])
    rows = ({**row, "children": children.get(row["id"], [])} for row in read_rows(source, LEDGER))
    stream_table(path, checked(rows, AUGMENTED_LEDGER, path), AUGMENTED_LEDGER.arrow)


def _write(outputs: Outputs, result: Augmentation, reworded: Augmentation, report: dict[str, Any]) -> None:
    write_jsonl(outputs.train, checked(result.rows, AUGMENTED, outputs.train))
    write_jsonl(outputs.test, checked(reworded.paraphrases, PARAPHRASES, outputs.test))
    write_json(outputs.report, report)


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    numerics.fixed()
    run(load_section(AugmentParams), Inputs(), Outputs())
