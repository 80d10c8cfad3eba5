"""Format the history of a row as text for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from codetune.core.files import JsonObject
from codetune.evaluation.metrics.registry import F1
from codetune.ledger.ledger import Ledger
from codetune.ledger.life import AUGMENTED_PATH, SCORES_PATH, RowHistory
from codetune.reporting.reasons import describe_reason

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
    """Format the location of a row as `path:start-end`; the group replaces a missing path."""
    lines = f":{row['start_line']}-{row['end_line']}" if row["start_line"] is not None else ""
    return f"{row['path'] or row['group'] or '?'}{lines}"


def row_text(row: JsonObject) -> str:
    """Format a row in one line: id, location, qualname, and its split or the reason why it was dropped."""
    fate = f"kept, {row['split']}" if row["verdict"] == "keep" else f"dropped, {row['reason']}"
    return f"{row['id']}  {place_text(row)}  {row['qualname'] or ''}  {fate}"


def listing(ledger: Ledger, places: list[int], query: str) -> str:
    """Format the first ten rows that match an ambiguous query, with advice on how to select one row.

    :param places: row numbers in the ledger, counted from 0.
    """
    lines = [f"{query} matches {len(places):,} rows; give an id, a longer path, or PATH:LINE:"]
    lines += [f"  {row_text(row)}" for row in ledger.rows(places[:_LISTED])]
    if len(places) > _LISTED:
        lines.append(f"  … and {len(places) - _LISTED:,} more")
    return "\n".join(lines)


def measured_text(row: JsonObject) -> str:
    """Format the value that the rule measured with its threshold, or the text that it found; empty without both."""
    if row["measured"] is None:
        return f"found `{row['found']}`" if row["found"] else ""
    measured = _MEASURES.get(row["measure"], f"{{:g}} {row['measure']}").format(row["measured"])
    if row["threshold"] is None:
        return measured
    if row["measure"] == "similarity":
        return f"{measured}, threshold {row['threshold']:g}"
    return f"{measured}, {'maximum' if row['measured'] > row['threshold'] else 'minimum'} {row['threshold']:g}"


def _origin(life: RowHistory) -> str:
    row = life.row
    version = f" {row['version']}" if row["version"] else ""
    lines = f", lines {row['start_line']} to {row['end_line']}" if row["start_line"] is not None else ""
    archive = f" The archive's sha256 is {life.archive_sha256}." if life.archive_sha256 else ""
    file = f", file {row['path']}{lines}" if row["path"] else ""
    return f"{row['package'] or row['group'] or 'a source without a name'}{version}{file}.{archive}"


def _license(row: JsonObject) -> str:
    if not row["license"]:
        return "not recorded in this ledger"
    return f"{row['license']}, because of `{row['license_evidence']}`" if row["license_evidence"] else row["license"]


def _verdict(life: RowHistory) -> str:
    row = life.row
    if row["verdict"] == "keep":
        size = (
            f" It has {row['code_lines']} lines and {row['code_tokens']} tokens of code." if row["code_tokens"] else ""
        )
        return f"kept: no rule dropped it.{size}{_reviewed(life)}"
    measured = measured_text(row)
    words = describe_reason(row["reason"]).words
    return f"dropped because {words} ({row['reason']}){f': {measured}' if measured else ''}."


def _reviewed(life: RowHistory) -> str:
    """A sentence on the review of a kept row; empty if there is none, or if its text is not in the instruction."""
    said = life.review["text"] if life.review else ""
    if not life.review or said not in (life.instruction or said):
        return ""
    return f" A reviewer read it and {f'added to the instruction: {said}' if said else 'found nothing missing.'}"


def _matches(life: RowHistory) -> Iterator[str]:
    if life.row["matched"]:
        likeness = life.row["similarity"]
        how = "the same" if likeness == 1 else f"a similarity of {likeness:g}" if likeness is not None else "similar"
        yield f"{how}: {row_text(life.matched)}" if life.matched else f"{how}: {life.row['matched']}"


def _duplicates(life: RowHistory) -> Iterator[str]:
    rows = sorted(life.duplicates, key=lambda row: (-(row["similarity"] or 0), row["id"]))
    for row in rows[:_LISTED]:
        likeness = "" if row["similarity"] is None else f"{row['similarity']:g}  "
        yield f"{likeness}{row_text(row)}"
    if len(rows) > _LISTED:
        yield f"… and {len(rows) - _LISTED:,} more"


def _split(life: RowHistory) -> str:
    row, group = life.row, life.neighbours
    counts = f"{group.kept:,} of its {group.rows:,} rows are kept"
    if row["verdict"] != "keep":
        theirs = f"; the kept rows of {row['group']} are in {' and '.join(group.splits)}" if group.splits else ""
        return f"none, because it was dropped{theirs}."
    return f"{row['split']}, like all rows of {row['group']}: a group is never divided between splits, and {counts}."


def _training(life: RowHistory) -> Iterator[str]:
    """Sentences on a row of train: whether it is in the training set, and its paraphrases."""
    if life.trained is None:
        yield f"unknown: {AUGMENTED_PATH} does not exist. Run `dvc pull {AUGMENTED_PATH}` or `dvc repro augment`."
    elif not life.trained:
        yield f"{AUGMENTED_PATH} does not have it, because another run made the file. Run `dvc repro augment`."
    else:
        count = len(life.paraphrases)
        tail = "and has no paraphrase" if not count else f"with {count} paraphrase{'s' if count > 1 else ''}"
        yield f"in {AUGMENTED_PATH}, {tail}."
        yield from _children(life)


def _children(life: RowHistory) -> Iterator[str]:
    for row in life.paraphrases:
        yield f"{row['id']}  {row['instruction']}"


def _scored(scores: JsonObject | None) -> str:
    if scores is None:
        return f"not one of the prompts of {SCORES_PATH}"
    values = [f"{role} {scores[role][str(F1.score)]:.3f}" for role in ("base", "tuned") if role in scores]
    return f"one of the prompts that were scored ({F1.label}: {', '.join(values)})"


def _use(life: RowHistory) -> Iterator[str]:
    if life.row["verdict"] != "keep":
        yield "none: it is neither trained on nor used as a prompt."
    elif life.row["split"] == "train":
        yield from _training(life)
    elif life.row["split"] == "test":
        yield f"never trained on; {_scored(life.scores)}."
        yield from _children(life)
    else:
        yield "never trained on; used to compute the validation loss."


def _paragraph(label: str, texts: Iterator[str] | list[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        head = f"{label if not number else '':{_LABEL}}"
        yield textwrap.fill(
            text, _WIDTH, initial_indent=head, subsequent_indent=" " * _LABEL, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip


def history_steps(life: RowHistory) -> list[tuple[str, list[str]]]:
    """List the history of a row, from its archive to the training set.

    :returns: label and texts of each step; those without text are left out.
    """
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
        parts.append(
            ("note", ["The ledger has an older format, with fewer columns; `dvc repro clean` writes it again."])
        )
    return [(label, texts) for label, texts in parts if texts]


def format_history(life: RowHistory) -> str:
    """Format the history of a row for the terminal, one paragraph for each step."""
    return "\n".join(line for label, texts in history_steps(life) for line in _paragraph(label, texts))
