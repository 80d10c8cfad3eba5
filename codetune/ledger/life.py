"""The life of one row: what the files of a project know of it, from the archive it came in to the training set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.registry import schema as score_columns
from codetune.ledger.ledger import Ledger
from codetune.schemas.declaration import Schema
from codetune.schemas.instructions import AUGMENTED, ORIGINALS, PARAPHRASES
from codetune.schemas.manifest import MANIFEST
from codetune.schemas.reading import read_document, rows_with
from codetune.schemas.reviews import REVIEWS

MANIFEST_PATH = "data/raw/manifest.json"
AUGMENTED_PATH = "data/augmented/train.jsonl"
HELD_OUT_PATH = "data/augmented/test.jsonl"
SCORES_PATH = "reports/scores.jsonl"
REVIEWS_PATH = "data/reviews.jsonl"


@dataclass(frozen=True)
class Neighbours:
    """How the rows of the same group fared.

    :param splits: the splits of the rows of the group that are kept; one, unless something went wrong.
    """

    rows: int
    kept: int
    splits: tuple[str, ...]


@dataclass(frozen=True)
class Life:
    """Everything there is to tell of one row.

    :param row: its line of the ledger.
    :param matched: the line of the row that it duplicates.
    :param duplicates: the lines of rows that were dropped for this one.
    :param instruction: as in the split's file; None for a row that was dropped, or where the file is not here.
    :param trained: whether data/augmented/train.jsonl has it; None where the file is not here.
    :param scores: its line of reports/scores.jsonl, if it was among the prompts.
    :param review: its line of data/reviews.jsonl, if a reviewer read it.
    :param lacks: columns that the ledger does not have, being of an older version.
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
    """The rows of a JSON-lines file whose line holds `text`; None where there is no such file."""
    return list(rows_with(path, schema, text)) if path.is_file() else None


def _neighbours(ledger: Ledger, group: str | None) -> Neighbours:
    rows = ledger.rows(ledger.where("group", group)) if group else []
    kept = [row for row in rows if row["verdict"] == "keep"]
    return Neighbours(len(rows), len(kept), tuple(sorted({row["split"] for row in kept if row["split"]})))


def _archive(root: Path, row: JsonObject) -> str | None:
    """The sha256 of the archive or file that the row came in, if the manifest is here and speaks of that version."""
    path = root / MANIFEST_PATH
    sources = read_document(path, MANIFEST, lenient=True).get("sources", []) if path.is_file() else []
    # A source of packages lists them; the manifests of older versions have packages alone.
    for entry in [*sources, *(package for source in sources for package in source.get("packages", []))]:
        named = row["package"] in (entry.get("package"), entry.get("name"))
        if named and entry.get("sha256") and entry.get("version") in (None, row["version"] or entry.get("version")):
            return str(entry["sha256"])
    return None


def paraphrase_with(root: Path, prefix: str) -> JsonObject | None:
    """The paraphrase in data/augmented/train.jsonl whose id begins with `prefix`, if there is exactly one."""
    lines = _lines_with(root / AUGMENTED_PATH, AUGMENTED, f'"id": "{prefix}') or []
    paraphrases = [line for line in lines if line["parent"] and line["id"].startswith(prefix)]
    return paraphrases[0] if len(paraphrases) == 1 else None


def life_of(root: Path, ledger: Ledger, place: int) -> Life:
    """The life of the row at `place` of the ledger.

    :param root: the folder of the project; files of it that are missing leave their part empty.
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
    return Life(
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
