"""Column types and a rule that several tables use. The descriptions complete the error message "expected …"."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from codetune.schemas.declaration import Rule

RowId = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="16 lower-case hexadecimal digits")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="a sha256: 64 lower-case hexadecimal digits")]
# Any length is allowed, but pydantic then measures it and so finds lone surrogates, which cannot be written as UTF-8.
Text = Annotated[str, Field(min_length=0, description="text")]
Words = Annotated[str, Field(pattern=r"\S", description="text that is not blank")]
Line = Annotated[int, Field(ge=1, description="the number of a line, 1 or more")]
Count = Annotated[int, Field(ge=0, description="a count, 0 or more")]
Number = Annotated[float, Field(allow_inf_nan=False, description="a finite number")]
Similarity = Annotated[float, Field(ge=0, le=1, description="a number from 0 to 1")]
Split = Annotated[Literal["train", "val", "test"], Field(description="train, val or test")]

LINES_ORDERED = Rule(
    "end_line",
    ("start_line", "end_line"),
    lambda row: row["start_line"] <= row["end_line"],
    "a line not before start_line",
)
