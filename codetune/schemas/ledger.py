"""data/clean/ledger.parquet and data/augmented/ledger.parquet: what became of every raw row, one line each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import LINES_ORDERED, Count, Line, Number, RowId, Similarity, Split, Text, Words
from codetune.schemas.declaration import STRICT, Rule, Schema


class LedgerRow(TypedDict):
    """Where the row came from; `id` to `end_line` are as in data/raw/rows.parquet. Then what became of it.

    `measure` names what the rule of `reason` measured, `found` is the text that it matched, `matched` the id of the row
    that is kept. The split is that of a kept row; lengths are those of rows that came as far as being measured.
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
    """The same, with the ids of the paraphrases that were made of the row."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    children: Annotated[list[RowId], Field(description="a list of ids")]


_RULES = (
    LINES_ORDERED,
    Rule(
        "reason",
        ("verdict", "reason"),
        lambda row: (row["reason"] == "keep") is (row["verdict"] == "keep"),
        "keep for a kept row, and why for a dropped one",
    ),
    Rule(
        "split",
        ("verdict", "split"),
        lambda row: (row["split"] is not None) is (row["verdict"] == "keep"),
        "the split of a kept row, and none for a dropped one",
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
            "none for a dropped row",
        ),
    ),
)
