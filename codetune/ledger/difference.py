"""The difference between the ledgers of two revisions, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from codetune.history.listing import Revision
from codetune.ledger.changes import HEADINGS, KEEP, Change, Difference, compare
from codetune.ledger.history_text import measured_text, place_text
from codetune.ledger.ledger import Ledger
from codetune.ledger.versions import ledger_of

Versions = tuple[tuple[Revision, Ledger], tuple[Revision, Ledger]]


def data_difference(root: Path, before: str, after: str, examples: int = 3) -> tuple[str, dict[str, Any]]:
    """Compare the ledgers of two revisions.

    :param before: name of the first revision, see `codetune.ledger.versions.ledger_of`.
    :param after: name of the second revision.
    :param examples: maximum number of example rows for each change.
    :returns: the difference as text, and as a mapping for JSON.
    :raises UserError: when there is no such revision, or its ledger cannot be read.
    """
    versions = (ledger_of(root, before), ledger_of(root, after))
    difference = compare(versions[0][1], versions[1][1], examples)
    return _text(difference, versions), _json(difference, versions)


def _state(state: str | None) -> str:
    return "kept" if state == KEEP else str(state)


def _change_lines(change: Change) -> Iterator[str]:
    states = [_state(state) for state in (change.before, change.after) if state is not None]
    yield f"{change.rows:8,}  {' → '.join(states)}"
    for row in change.examples:
        measured = measured_text(row)
        name = f"{row['id']}  {place_text(row)}  {row['qualname'] or ''}".rstrip()
        yield f"            {name}{f'  ({measured})' if measured else ''}"


def _text(difference: Difference, versions: Versions) -> str:
    """The difference as text for the terminal: counts by reason, each with examples."""
    sizes = (difference.before, difference.after)
    lines = [
        f"{revision.title}: {size.rows:,} rows, {size.kept:,} kept"
        for (revision, _), size in zip(versions, sizes, strict=True)
    ]
    happened = {heading: getattr(difference, key) for key, heading in HEADINGS.items()}
    counts = {heading: sum(change.rows for change in changes) for heading, changes in happened.items()}
    lines.append(
        ", ".join(f"{count:,} {heading}" for heading, count in {**counts, "unchanged": difference.unchanged}.items())
    )
    for heading, changes in happened.items():
        if changes:
            lines += ["", f"{heading}:", *(line for change in changes for line in _change_lines(change))]
    if difference.rewritten:
        changed = f"{difference.rewritten:,} of the rows that came have the path and name of a row that went"
        lines += ["", f"{changed}: their code was changed."]
    if difference.versions:
        lines += ["", "read in another version:"]
        lines += [f"  {item.package}: {item.before} → {item.after}" for item in difference.versions]
    older = [revision.title for revision, ledger in versions if ledger.lacks]
    if older:
        lines += ["", f"The ledger of {' and of '.join(older)} has an older format, with fewer columns."]
    return "\n".join(lines)


def _json(difference: Difference, versions: Versions) -> dict[str, Any]:
    """The difference as a mapping: the same numbers, and examples as complete ledger lines."""
    before, after = (
        {"revision": revision.name, "commit": revision.commit, **asdict(size)}
        for (revision, _), size in zip(versions, (difference.before, difference.after), strict=True)
    )
    kinds = {
        heading.replace(" ", "_"): [asdict(change) for change in getattr(difference, key)]
        for key, heading in HEADINGS.items()
    }
    rest = {
        "rewritten": difference.rewritten,
        "unchanged": difference.unchanged,
        "versions": [asdict(item) for item in difference.versions],
    }
    return {"before": before, "after": after, **kinds, **rest}
