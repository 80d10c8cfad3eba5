"""data/reviews.jsonl: what reviewers found who read rows of the data, one line a row. It is kept in git.

`verdict` is `keep` for a row that can be answered from its instruction, `complete` for one that can with the sentences
of `text` put after its description, and `drop` for one that cannot, or whose answer does something else than asked;
`text` says why. A row's id changes with its code, so a verdict ends with the code that it was given for.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import RowId, Text
from codetune.schemas.declaration import STRICT, Rule, Schema


class Review(TypedDict):
    """What a reviewer found who read a row."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    verdict: Annotated[Literal["keep", "complete", "drop"], Field(description="keep, complete or drop")]
    text: Text


_SAID = Rule(
    "text",
    ("verdict", "text"),
    lambda row: (row["verdict"] == "keep") == (not row["text"].strip()),
    "text for complete and drop, none for keep",
)
REVIEWS = Schema(Review, "", rules=(_SAID,))
