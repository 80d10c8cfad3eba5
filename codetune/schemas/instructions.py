"""Schemas of the instruction rows in data/clean and data/augmented."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import Line, RowId, Text, Words
from codetune.schemas.declaration import STRICT, Rule, Schema

Lines = Annotated[
    list[Line], Field(min_length=2, max_length=2, description="the numbers of the first and last line, 1 or more")
]


class InstructionRow(TypedDict):
    """An instruction and its completion; for a paraphrase, `parent` is the id of the row that it was made from."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    source: Words
    group: Words
    parent: RowId | None
    package: Words
    version: Text
    license: Words
    path: Words
    qualname: Words
    lines: Lines
    instruction: Words
    completion: Words


_ORDERED = Rule("lines", ("lines",), lambda row: row["lines"][0] <= row["lines"][1], "a last line not before the first")
_ORIGINAL = Rule("parent", ("parent",), lambda row: row["parent"] is None, "null, because this row is no paraphrase")
_PARAPHRASE = Rule(
    "parent", ("parent",), lambda row: row["parent"] is not None, "the id of the row that the paraphrase was made from"
)
_OTHER = Rule("parent", ("id", "parent"), lambda row: row["parent"] != row["id"], "the id of another row")
# Schema of data/clean/{train,val,test}.jsonl.
ORIGINALS = Schema(InstructionRow, "clean", rules=(_ORDERED, _ORIGINAL))
# Schema of data/augmented/train.jsonl: originals, then paraphrases.
AUGMENTED = Schema(InstructionRow, "augment", rules=(_ORDERED, _OTHER))
# Schema of data/augmented/test.jsonl: only paraphrases.
PARAPHRASES = Schema(InstructionRow, "augment", rules=(_ORDERED, _PARAPHRASE, _OTHER))
