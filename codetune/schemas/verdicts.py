"""reports/execution/verdicts.jsonl: what came of each answer that was run."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from codetune.schemas.columns import Text, Words
from codetune.schemas.declaration import STRICT, Schema


class TriedAnswer(TypedDict):
    """The verdict on a model's answer to a problem of a set, and the reason; the answer is in reports/samples."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    set: Words
    task_id: Words
    variant: Literal["base", "tuned"]
    outcome: Words
    detail: Text


VERDICTS = Schema(TriedAnswer, "execute", label="task_id", unique=False)
