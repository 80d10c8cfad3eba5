"""Schemas of data/clean/ledger.parquet and data/augmented/ledger.parquet: the decision on each raw row."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import LINES_ORDERED, Count, Line, Number, RowId, Similarity, Split, Text, Words
from codetune.schemas.declaration import STRICT, Rule, Schema


class LedgerRow(TypedDict):
    """The origin of a raw row, and whether it was kept or dropped.

    `id` to `end_line` are the same as in data/raw/rows.parquet. `reason` is the drop reason, or `keep`. `measure` names
    the quantity that the rule of this reason measured, `measured` is its value and `threshold` the limit. `found` is
    the text that the rule matched. For a duplicate, `matched` is the id of the row that was kept instead. Only kept
    rows have a `split`. `code_lines`, `code_tokens` and `instruction_words` are null for a row that was dropped before
    its lengths were measured.
    """

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    source: Words
    group: Words
    package: Words
    version: Text
    license: Words
    license_evidence: Text
    path: Words
    qualname: Words
    start_line: Line
    end_line: Line
    verdict: Annotated[Literal["keep", "drop"], Field(description="keep or drop")]
    reason: Words
    measure: Words | None
    measured: Number | None
    threshold: Number | None
    found: Text | None
    matched: RowId | None
    similarity: Similarity | None
    split: Split | None
    code_lines: Count | None
    code_tokens: Count | None
    instruction_words: Count | None


class AugmentedLedgerRow(LedgerRow):
    """A `LedgerRow`, with the ids of the paraphrases that were made from the row in `children`."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    children: Annotated[list[RowId], Field(description="a list of ids")]


_RULES = (
    LINES_ORDERED,
    Rule(
        "reason",
        ("verdict", "reason"),
        lambda row: (row["reason"] == "keep") is (row["verdict"] == "keep"),
        "keep for a kept row, and a drop reason for a dropped row",
    ),
    Rule(
        "split",
        ("verdict", "split"),
        lambda row: (row["split"] is not None) is (row["verdict"] == "keep"),
        "a split for a kept row, and null for a dropped row",
    ),
    Rule("matched", ("id", "matched"), lambda row: row["matched"] != row["id"], "the id of another row"),
)
LEDGER = Schema(LedgerRow, "clean", rules=_RULES)
AUGMENTED_LEDGER = Schema(
    AugmentedLedgerRow,
    "augment",
    rules=(
        *_RULES,
        Rule(
            "children",
            ("verdict", "children"),
            lambda row: not row["children"] or row["verdict"] == "keep",
            "an empty list for a dropped row",
        ),
    ),
)
