"""Schemas of data/raw: a table with a row per function or pair, and a table with a row per source file."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from codetune.core.files import JsonObject
from codetune.schemas.columns import LINES_ORDERED, Line, RowId, Sha256, Text, Words
from codetune.schemas.declaration import STRICT, Rule, Schema


class RawRow(TypedDict):
    """A function or method with its docstring and code, or a pair (kind `pair`) of an instruction and a completion."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    source: Words
    group: Words
    package: Words
    version: Text
    license: Words
    license_evidence: Text
    path: Words
    kind: Annotated[Literal["function", "method", "pair"], Field(description="function, method or pair")]
    qualname: Words
    start_line: Line
    end_line: Line
    signature: Text
    docstring: Text
    code: Text
    instruction: NotRequired[Text | None]
    completion: NotRequired[Text | None]


class RawFile(TypedDict):
    """A source file exactly as it was read; `text` is empty for an empty file."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    group: Words
    package: Words
    version: Text
    license: Words
    path: Words
    sha256: Sha256
    text: Text


def _filled(text: str | None) -> bool:
    return bool(text) and not str(text).isspace()


def _of_code(column: str) -> Rule:
    def holds(row: JsonObject) -> bool:
        return bool(row["kind"] == "pair" or row[column])

    return Rule(column, ("kind", column), holds, "text, because the kind is function or method")


def _of_pair(column: str) -> Rule:
    def holds(row: JsonObject) -> bool:
        return _filled(row.get(column)) if row["kind"] == "pair" else row.get(column) is None

    return Rule(column, ("kind", column), holds, "text that is not blank if the kind is pair, else null")


RAW_ROWS = Schema(
    RawRow,
    "ingest",
    rules=(LINES_ORDERED, _of_code("docstring"), _of_code("code"), _of_pair("instruction"), _of_pair("completion")),
)
RAW_FILES = Schema(RawFile, "ingest", label="path", unique=False)
