"""Make the data card: a short page with plots that describes the data. Write its figures as metrics, too.

Reads: data/clean/ledger.parquet, data/clean/{train,val,test}.jsonl, data/clean/counts.json, reports/augmentation.json,
reports/leaks.json, data/augmented/similarities.json.
Writes: reports/data.json (the counts, and the figures of leaks), reports/data_card.md, reports/data_plots/ (funnel.svg,
lengths.svg), reports/augmentation_plots/meaning.svg (similarities of paraphrases, and the threshold).
Guarantees: every number is from these files. The written bytes depend only on them.
Does not: judge rows; measure anything again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, atomic_folder, read_json, write_json, write_text
from codetune.data.augment.meaning import Calibration
from codetune.reporting.augmentation_plots import meaning_plot
from codetune.reporting.data_card.facts import (
    COLUMNS,
    drops,
    example_ids,
    funnel,
    histogram,
    kept_by_split,
    leak_figures,
    lengths,
    quantile,
)
from codetune.reporting.data_card.page import CardFacts, data_card
from codetune.reporting.data_card.plots import funnel_plot, lengths_plot
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.ledger import LEDGER
from codetune.schemas.reading import read_rows, rows_containing


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads."""

    clean: Path = Path("data/clean")
    counts: Path = Path("data/clean/counts.json")
    augmentation: Path = Path("reports/augmentation.json")
    similarities: Path = Path("data/augmented/similarities.json")
    leaks: Path = Path("reports/leaks.json")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    data: Path = Path("reports/data.json")
    card: Path = Path("reports/data_card.md")
    plots: Path = Path("reports/data_plots")
    augmentation_plots: Path = Path("reports/augmentation_plots")


def _row(path: Path, identity: str) -> JsonObject:
    """Return the row with this id from a JSON-lines file."""
    for row in rows_containing(path, ORIGINALS, identity):
        if row["id"] == identity:
            return row
    raise UserError(f"{path} does not have row {identity}, which the ledger lists", "Run `dvc repro clean`.")


def _write_plots(folder: Path, ledger: list[JsonObject]) -> None:
    found = {split: values for split, values in lengths(ledger, "code_tokens").items() if values}
    medians = {split: quantile(values, 0.5) for split, values in found.items()}
    with atomic_folder(folder) as temporary:
        steps = funnel(drops(ledger), len(ledger))
        write_text(temporary / "funnel.svg", funnel_plot(len(ledger), steps, kept_by_split(ledger)))
        write_text(temporary / "lengths.svg", lengths_plot(histogram(found), medians))


def _write_meaning(folder: Path, similarities: JsonObject) -> None:
    run = similarities["paraphrases"]
    found = Calibration(similarities["good"], [tuple(pair) for pair in similarities["bad"]], similarities["threshold"])
    with atomic_folder(folder) as temporary:
        write_text(temporary / "meaning.svg", meaning_plot(found, run))


def run(inputs: Inputs, outputs: Outputs) -> str:
    """Write the data card, its plots and its figures. Return the card."""
    ledger = list(read_rows(inputs.clean / "ledger.parquet", LEDGER, COLUMNS))
    rows = {split: _row(inputs.clean / f"{split}.jsonl", identity) for split, identity in example_ids(ledger).items()}
    _write_plots(outputs.plots, ledger)
    _write_meaning(outputs.augmentation_plots, read_json(inputs.similarities))
    pictures = (outputs.plots / "funnel.svg", outputs.plots / "lengths.svg", outputs.augmentation_plots / "meaning.svg")
    links = [os.path.relpath(path, outputs.card.parent) for path in pictures]
    data = read_json(inputs.counts) | {"leaks": leak_figures(read_json(inputs.leaks))}
    card = data_card(CardFacts(ledger, rows, data, read_json(inputs.augmentation), *links))
    write_json(outputs.data, data)
    write_text(outputs.card, card)
    return card


def main() -> None:
    """Run the stage with the files named in dvc.yaml."""
    run(Inputs(), Outputs())
