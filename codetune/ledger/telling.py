"""A row's life in plain words, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.registry import F1
from codetune.ledger.ledger import Ledger
from codetune.ledger.life import AUGMENTED_PATH, SCORES_PATH, Life
from codetune.reporting.reasons import known

_WIDTH = 110
_LABEL = 16
_LISTED = 10
_MEASURES = {
    "docstring_words": "{:g} words",
    "english_share": "a share of {:g} letters",
    "code_lines": "{:g} lines",
    "code_tokens": "{:g} tokens",
    "similarity": "a similarity of {:g}",
}


def place_text(row: JsonObject) -> str:
    """Where a row stands, as `path:start-end`."""
    lines = f":{row['start_line']}-{row['end_line']}" if row["start_line"] is not None else ""
    return f"{row['path'] or row['group'] or '?'}{lines}"


def row_text(row: JsonObject) -> str:
    """A row in one line: id, place, name and what became of it."""
    fate = f"kept, {row['split']}" if row["verdict"] == "keep" else f"dropped, {row['reason']}"
    return f"{row['id']}  {place_text(row)}  {row['qualname'] or ''}  {fate}"


def listing(ledger: Ledger, places: list[int], query: str) -> str:
    """The rows that an ambiguous query names, the first ten of them, and how to name one."""
    lines = [f"{query} names {len(places):,} rows; give an id, a longer path, or PATH:LINE:"]
    lines += [f"  {row_text(row)}" for row in ledger.rows(places[:_LISTED])]
    if len(places) > _LISTED:
        lines.append(f"  … and {len(places) - _LISTED:,} more")
    return "\n".join(lines)


def measured_text(row: JsonObject) -> str:
    """What the rule measured against its threshold, or the text that it found; empty where it did neither."""
    if row["measured"] is None:
        return f"found `{row['found']}`" if row["found"] else ""
    measured = _MEASURES.get(row["measure"], f"{{:g}} {row['measure']}").format(row["measured"])
    if row["threshold"] is None:
        return measured
    if row["measure"] == "similarity":
        return f"{measured}, and {row['threshold']:g} is enough"
    return f"{measured}, and {row['threshold']:g} is the {'most' if row['measured'] > row['threshold'] else 'least'}"


def _origin(life: Life) -> str:
    row = life.row
    version = f" {row['version']}" if row["version"] else ""
    lines = f", lines {row['start_line']} to {row['end_line']}" if row["start_line"] is not None else ""
    archive = f" The archive's sha256 is {life.archive_sha256}." if life.archive_sha256 else ""
    file = f", file {row['path']}{lines}" if row["path"] else ""
    return f"{row['package'] or row['group'] or 'a source without a name'}{version}{file}.{archive}"


def _license(row: JsonObject) -> str:
    if not row["license"]:
        return "this ledger does not hold it"
    return f"{row['license']}, because of `{row['license_evidence']}`" if row["license_evidence"] else row["license"]


def _verdict(life: Life) -> str:
    row = life.row
    if row["verdict"] == "keep":
        size = (
            f" It has {row['code_lines']} lines and {row['code_tokens']} tokens of code." if row["code_tokens"] else ""
        )
        return f"kept: no rule objected.{size}{_reviewed(life)}"
    measured = measured_text(row)
    return f"dropped because {known(row['reason']).words} ({row['reason']}){f': {measured}' if measured else ''}."


def _reviewed(life: Life) -> str:
    """What a reviewer said of a row that is kept, where it was put into the instruction or nothing was missing."""
    said = life.review["text"] if life.review else ""
    if not life.review or said not in (life.instruction or said):
        return ""
    return f" A reviewer read it, and {f'had it say as well: {said}' if said else 'found nothing missing.'}"


def _matches(life: Life) -> Iterator[str]:
    if life.row["matched"]:
        likeness = life.row["similarity"]
        how = "the same" if likeness == 1 else f"a similarity of {likeness:g}" if likeness is not None else "like it"
        yield f"{how}: {row_text(life.matched)}" if life.matched else f"{how}: {life.row['matched']}"


def _duplicates(life: Life) -> Iterator[str]:
    rows = sorted(life.duplicates, key=lambda row: (-(row["similarity"] or 0), row["id"]))
    for row in rows[:_LISTED]:
        likeness = "" if row["similarity"] is None else f"{row['similarity']:g}  "
        yield f"{likeness}{row_text(row)}"
    if len(rows) > _LISTED:
        yield f"… and {len(rows) - _LISTED:,} more"


def _split(life: Life) -> str:
    row, group = life.row, life.neighbours
    counts = f"{group.kept:,} of its {group.rows:,} rows are kept"
    if row["verdict"] != "keep":
        theirs = f"; the kept rows of {row['group']} are in {' and '.join(group.splits)}" if group.splits else ""
        return f"none, being dropped{theirs}."
    return f"{row['split']}, as all of {row['group']} is: splits are drawn by whole groups, and {counts}."


def _training(life: Life) -> Iterator[str]:
    """What came of a row of train: whether it reached the training set, and its paraphrases."""
    if life.trained is None:
        yield f"not known: {AUGMENTED_PATH} is not here. Run `dvc pull {AUGMENTED_PATH}` or `dvc repro augment`."
    elif not life.trained:
        yield f"{AUGMENTED_PATH} does not have it, being of another run. Run `dvc repro augment`."
    else:
        count = len(life.paraphrases)
        tail = "and has no paraphrase" if not count else f"with {count} paraphrase{'s' if count > 1 else ''}"
        yield f"in {AUGMENTED_PATH}, {tail}."
        yield from _children(life)


def _children(life: Life) -> Iterator[str]:
    for row in life.paraphrases:
        yield f"{row['id']}  {row['instruction']}"


def _scored(scores: JsonObject | None) -> str:
    if scores is None:
        return f"not one of the prompts of {SCORES_PATH}"
    values = [f"{role} {scores[role][str(F1.score)]:.3f}" for role in ("base", "tuned") if role in scores]
    return f"one of the prompts that were scored ({F1.label}: {', '.join(values)})"


def _use(life: Life) -> Iterator[str]:
    if life.row["verdict"] != "keep":
        yield "not a row to train on, and never asked."
    elif life.row["split"] == "train":
        yield from _training(life)
    elif life.row["split"] == "test":
        yield f"never trained on; {_scored(life.scores)}."
        yield from _children(life)
    else:
        yield "never trained on: it measures the validation loss."


def _paragraph(label: str, texts: Iterator[str] | list[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        head = f"{label if not number else '':{_LABEL}}"
        yield textwrap.fill(
            text, _WIDTH, initial_indent=head, subsequent_indent=" " * _LABEL, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip


def steps(life: Life) -> list[tuple[str, list[str]]]:
    """A row's life from archive to training set: each step with what there is to tell of it."""
    row = life.row
    parts: list[tuple[str, list[str]]] = [
        ("row", [f"{row['id']}  {row['qualname'] or ''}".rstrip()]),
        ("from", [_origin(life)]),
        ("licence", [_license(row)]),
        ("verdict", [_verdict(life)]),
        ("duplicates", list(_matches(life))),
        ("dropped for it", list(_duplicates(life))),
        ("split", [_split(life)]),
        ("asks", [life.instruction] if life.instruction else []),
        ("use", list(_use(life))),
    ]
    if life.lacks:
        parts.append(("note", ["The ledger is of an older version and says less; `dvc repro clean` writes it anew."]))
    return [(label, texts) for label, texts in parts if texts]


def told(life: Life) -> str:
    """A row's life for the terminal, one paragraph a step."""
    return "\n".join(line for label, texts in steps(life) for line in _paragraph(label, texts))
