"""The ledger: what became of every raw row, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codetune.schemas.ledger import LEDGER

if TYPE_CHECKING:
    from codetune.cleaning.split import Split
    from codetune.cleaning.verdicts import Lengths, Verdict

# Where a row stands; the part of a raw row that the ledger repeats.
PLACE = LEDGER.columns[: LEDGER.columns.index("verdict")]
_MEASUREMENT = ("measure", "measured", "threshold", "found")


def _lengths(lengths: Lengths | None) -> dict[str, int | None]:
    if lengths is None:
        return {"code_lines": None, "code_tokens": None, "instruction_words": None}
    return lengths._asdict()


def ledger_row(verdict: Verdict, record: dict[str, Any], splits: dict[str, Split]) -> dict[str, Any]:
    """One line of the ledger.

    :param record: what was spooled of the row.
    :param splits: the split of every group.
    """
    return {
        **{key: record[key] for key in PLACE},
        "verdict": "keep" if verdict.kept else "drop",
        "reason": verdict.reason,
        **{key: getattr(verdict.drop, key, None) for key in _MEASUREMENT},
        "matched": verdict.match.id if verdict.match else None,
        "similarity": verdict.match.similarity if verdict.match else None,
        "split": splits[verdict.group] if verdict.kept else None,
        **_lengths(verdict.lengths),
    }
