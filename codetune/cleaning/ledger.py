"""The ledger: what became of every raw row, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from codetune.cleaning.filters import Candidate
    from codetune.cleaning.split import Split
    from codetune.cleaning.verdicts import Verdict

_TEXT, _COUNT, _NUMBER = pa.string(), pa.int32(), pa.float64()
# Where the row came from; `id` to `end_line` are as in data/raw/rows.parquet. Then what became of it: `measure` names
# what the rule of `reason` measured, `found` is the text that it matched, `matched` the id of the row that is kept.
# The split is that of a kept row; lengths are those of rows that came as far as being measured.
LEDGER_SCHEMA = pa.schema(
    [("id", _TEXT), ("source", _TEXT), ("group", _TEXT), ("package", _TEXT), ("version", _TEXT), ("license", _TEXT),
     ("license_evidence", _TEXT), ("path", _TEXT), ("qualname", _TEXT), ("start_line", _COUNT), ("end_line", _COUNT),
     ("verdict", _TEXT), ("reason", _TEXT), ("measure", _TEXT), ("measured", _NUMBER), ("threshold", _NUMBER),
     ("found", _TEXT), ("matched", _TEXT), ("similarity", _NUMBER), ("split", _TEXT), ("code_lines", _COUNT),
     ("code_tokens", _COUNT), ("instruction_words", _COUNT)]
)  # fmt: skip
_PLACE = LEDGER_SCHEMA.names[: LEDGER_SCHEMA.names.index("verdict")]
_MEASUREMENT = ("measure", "measured", "threshold", "found")


def _lengths(candidate: Candidate | None) -> dict[str, int | None]:
    if candidate is None:
        return {"code_lines": None, "code_tokens": None, "instruction_words": None}
    return {
        "code_lines": candidate.code_lines,
        "code_tokens": len(candidate.tokens),
        "instruction_words": len(candidate.instruction.split()),
    }


def ledger_row(verdict: Verdict, splits: dict[str, Split]) -> dict[str, Any]:
    """One line of the ledger.

    :param splits: the split of every group.
    """
    return {
        **{key: verdict.row.get(key) for key in _PLACE},
        "verdict": "keep" if verdict.kept else "drop",
        "reason": verdict.reason,
        **{key: getattr(verdict.drop, key, None) for key in _MEASUREMENT},
        "matched": verdict.match.id if verdict.match else None,
        "similarity": verdict.match.similarity if verdict.match else None,
        "split": splits[verdict.row["group"]] if verdict.kept else None,
        **_lengths(verdict.candidate),
    }
