"""The history of one row: all facts about it in the files of a project, from its archive to the training set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.registry import schema as score_columns
from codetune.ledger.ledger import Ledger
from codetune.schemas.declaration import Schema
from codetune.schemas.instructions import AUGMENTED, ORIGINALS, PARAPHRASES
from codetune.schemas.manifest import MANIFEST
from codetune.schemas.reading import read_document, rows_containing
from codetune.schemas.reviews import REVIEWS

MANIFEST_PATH = "data/raw/manifest.json"
AUGMENTED_PATH = "data/augmented/train.jsonl"
HELD_OUT_PATH = "data/augmented/test.jsonl"
SCORES_PATH = "reports/scores.jsonl"
REVIEWS_PATH = "data/reviews.jsonl"


@dataclass(frozen=True)
class Neighbours:
    """Counts of the rows in the same group.

    :param rows: number of rows in the group.
    :param kept: number of kept rows.
    :param splits: the splits of the kept rows; more than one is an error in the data.
    """

    rows: int
    kept: int
    splits: tuple[str, ...]


@dataclass(frozen=True)
class RowHistory:
    """All facts about one row.

    :param row: the row's line in the ledger.
    :param neighbours: counts of the rows in the same group.
    :param archive_sha256: sha256 of the archive or file that the row was read from, if the manifest has it.
    :param matched: the ledger line of the row that it duplicates.
    :param duplicates: the ledger lines of rows that were dropped as duplicates of this one.
    :param instruction: the instruction in the file of the split; None for a dropped row, or if the file is missing.
    :param trained: whether data/augmented/train.jsonl has the row; None if the file is missing.
    :param paraphrases: the rows that are paraphrases of this one.
    :param scores: its line in reports/scores.jsonl, if it is a test prompt that was scored.
    :param review: its line in data/reviews.jsonl, if a reviewer read it.
    :param lacks: columns that the ledger does not have because an older version wrote it.
    """

    row: JsonObject
    neighbours: Neighbours
    archive_sha256: str | None = None
    matched: JsonObject | None = None
    duplicates: list[JsonObject] = field(default_factory=list)
    instruction: str | None = None
    trained: bool | None = None
    paraphrases: list[JsonObject] = field(default_factory=list)
    scores: JsonObject | None = None
    review: JsonObject | None = None
    lacks: tuple[str, ...] = ()


def _lines_with(path: Path, schema: Schema, text: str) -> list[JsonObject] | None:
    """The rows of a JSON-lines file whose line contains `text`; None if the file does not exist."""
    return list(rows_containing(path, schema, text)) if path.is_file() else None


def _neighbours(ledger: Ledger, group: str | None) -> Neighbours:
    rows = ledger.rows(ledger.where("group", group)) if group else []
    kept = [row for row in rows if row["verdict"] == "keep"]
    return Neighbours(len(rows), len(kept), tuple(sorted({row["split"] for row in kept if row["split"]})))


def _archive(root: Path, row: JsonObject) -> str | None:
    """The sha256 of the archive or file that the row was read from, if the manifest exists and lists this version."""
    path = root / MANIFEST_PATH
    sources = read_document(path, MANIFEST, lenient=True).get("sources", []) if path.is_file() else []
    # A source of packages lists them in `packages`; in older manifests the sources are the packages themselves.
    for entry in [*sources, *(package for source in sources for package in source.get("packages", []))]:
        named = row["package"] in (entry.get("package"), entry.get("name"))
        if named and entry.get("sha256") and entry.get("version") in (None, row["version"] or entry.get("version")):
            return str(entry["sha256"])
    return None


def paraphrase_with(root: Path, prefix: str) -> JsonObject | None:
    """Find the paraphrase in data/augmented/train.jsonl whose id begins with `prefix`.

    :param root: the folder of the project.
    :returns: the row, or None unless exactly one paraphrase has the prefix.
    """
    lines = _lines_with(root / AUGMENTED_PATH, AUGMENTED, f'"id": "{prefix}') or []
    paraphrases = [line for line in lines if line["parent"] and line["id"].startswith(prefix)]
    return paraphrases[0] if len(paraphrases) == 1 else None


def row_history(root: Path, ledger: Ledger, place: int) -> RowHistory:
    """Collect the facts about one row.

    :param root: the folder of the project. Facts from files that are missing stay empty.
    :param place: row number in the ledger, counted from 0.
    """
    (row,) = ledger.rows([place])
    identity = str(row["id"])
    matched = ledger.rows(ledger.where("id", row["matched"])) if row["matched"] else []
    split = _lines_with(root / f"data/clean/{row['split']}.jsonl", ORIGINALS, identity) if row["split"] else None
    own = [line for line in split or [] if line["id"] == identity]
    augmented = _lines_with(root / AUGMENTED_PATH, AUGMENTED, identity)
    held_out = _lines_with(root / HELD_OUT_PATH, PARAPHRASES, identity) or []
    scored = [
        line for line in _lines_with(root / SCORES_PATH, score_columns(), identity) or [] if line["id"] == identity
    ]
    reviews = _lines_with(root / REVIEWS_PATH, REVIEWS, identity) or []
    return RowHistory(
        row=row,
        neighbours=_neighbours(ledger, row["group"]),
        archive_sha256=_archive(root, row),
        matched=matched[0] if matched else None,
        duplicates=ledger.rows(ledger.where("matched", identity)),
        instruction=own[0]["instruction"] if own else None,
        trained=None if augmented is None else any(line["id"] == identity for line in augmented),
        paraphrases=[line for line in [*(augmented or []), *held_out] if line["parent"] == identity],
        scores=scored[0] if scored else None,
        review=reviews[0] if reviews else None,
        lacks=ledger.lacks,
    )
