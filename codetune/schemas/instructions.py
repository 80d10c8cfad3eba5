"""The instruction rows of data/clean and data/augmented."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from codetune.files import JsonObject
from codetune.schemas.columns import Line, RowId, Text, Words
from codetune.schemas.declaration import STRICT, Rule, Schema

Lines = Annotated[
    list[Line], Field(min_length=2, max_length=2, description="the numbers of the first and last line, 1 or more")
]


class InstructionRow(TypedDict):
    """An instruction and its answer; `parent` is the row that a paraphrase was made from."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
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


def _ordered(row: JsonObject) -> bool:
    first, last = row["lines"]
    return bool(first <= last)


def _has_parent(row: JsonObject) -> bool:
    return row["parent"] is not None


def _is_original(row: JsonObject) -> bool:
    return row["parent"] is None


def _own_parent(row: JsonObject) -> bool:
    return bool(row["parent"] != row["id"])


_ORDERED = Rule("lines", ("lines",), _ordered, "a last line not before the first")
_ORIGINAL = Rule("parent", ("parent",), _is_original, "nothing, for these rows are no paraphrases")
_PARAPHRASE = Rule("parent", ("parent",), _has_parent, "the id of the row that it was made from")
_OTHER = Rule("parent", ("id", "parent"), _own_parent, "the id of another row")
# Of data/clean/{train,val,test}.jsonl.
ORIGINALS = Schema(InstructionRow, "clean", rules=(_ORDERED, _ORIGINAL))
# Of data/augmented/train.jsonl: originals, then paraphrases
AUGMENTED = Schema(InstructionRow, "augment", rules=(_ORDERED, _OTHER))
# Of data/augmented/test.jsonl: paraphrases alone
PARAPHRASES = Schema(InstructionRow, "augment", rules=(_ORDERED, _PARAPHRASE, _OTHER))
