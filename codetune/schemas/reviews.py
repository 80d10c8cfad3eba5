"""Schema of data/reviews.jsonl: manual reviews of data rows, one line per row. The file is in git.

`verdict` is one of:
- `keep`: the instruction is enough to answer the row. `text` is empty.
- `complete`: the instruction is enough after the sentences in `text` are added to its description.
- `drop`: the row cannot be answered, or its answer does not do what the instruction asks. `text` gives the reason.

The id of a row changes with its code, so a review no longer applies after the code changes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import RowId, Text
from codetune.schemas.declaration import STRICT, Rule, Schema


class Review(TypedDict):
    """The verdict of a reviewer on one row."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    verdict: Annotated[Literal["keep", "complete", "drop"], Field(description="keep, complete or drop")]
    text: Text


_SAID = Rule(
    "text",
    ("verdict", "text"),
    lambda row: (row["verdict"] == "keep") == (not row["text"].strip()),
    "text if the verdict is complete or drop, else an empty text",
)
REVIEWS = Schema(Review, "", rules=(_SAID,))
