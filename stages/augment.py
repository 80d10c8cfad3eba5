"""Paraphrase the instructions of train rows, so that the model learns the task and not one wording of it.

Reads: data/clean/{train,test}.jsonl, data/clean/ledger.parquet, params `augment`, `numerics`; phrase tables and
labelled pairs of codetune/data/augment/; for the methods contextual and back_translation the models named in `augment`.
Writes: data/augmented/train.jsonl (the unchanged rows, then their paraphrases), data/augmented/test.jsonl (paraphrases
of the test rows, in wordings that no train row has), data/augmented/ledger.parquet (the ledger with the paraphrases of
each row), reports/augmentation.json (counts; rejected drafts are counted by reason), data/augmented/similarities.json
(of the labelled pairs and of the drafts; `describe` plots them).
Guarantees: a paraphrase has the same identifiers, numbers, quoted text, negations and comparison words as its parent,
in the same order. It adds no error of article, agreement, spacing or capitals that the stage checks for. Its embedding
is similar to its parent's, and its words are different. It differs from every other instruction. It has its parent's
id, group and completion. The written bytes depend only on rows, tables, models and parameters, not on the number of
workers.
Does not: change completions; add rows to val or test; guarantee that the meaning is kept. Embeddings hardly distinguish
opposites, and reports/augmentation.json says how many labelled pairs are classified wrongly.
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
    """The files that the stage reads."""

    train: Path = Path("data/clean/train.jsonl")
    test: Path = Path("data/clean/test.jsonl")
    ledger: Path = Path("data/clean/ledger.parquet")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    train: Path = Path("data/augmented/train.jsonl")
    test: Path = Path("data/augmented/test.jsonl")
    ledger: Path = Path("data/augmented/ledger.parquet")
    report: Path = Path("reports/augmentation.json")
    similarities: Path = Path("data/augmented/similarities.json")


def run(params: AugmentParams, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """Write paraphrases, ledger and report. Return the content of reports/augmentation.json."""
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
    """Write the ledger, with the ids of the paraphrases of every row."""
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
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    numerics.fixed()
    run(load_section(AugmentParams), Inputs(), Outputs())
