"""reports/execution/verdicts.jsonl: what came of each answer that was run."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from codetune.schemas.columns import Count, Text, Words
from codetune.schemas.declaration import STRICT, Schema


class TriedAnswer(TypedDict):
    """An answer to a problem of a set, its verdict, and the reason; `sample` counts the answers to one problem."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    set: Words
    task_id: Words
    variant: Literal["base", "tuned"]
    sample: Count
    outcome: Words
    detail: Text
    answer: Text


VERDICTS = Schema(TriedAnswer, "execute")
