"""Schema of reports/execution/verdicts.jsonl: the result of running each answer."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from codetune.schemas.columns import Text, Words
from codetune.schemas.declaration import STRICT, Schema


class TriedAnswer(TypedDict):
    """The outcome of a model's answer to one problem of a problem set; the answer itself is in reports/samples."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    set: Words
    task_id: Words
    variant: Literal["base", "tuned"]
    outcome: Words
    detail: Text


VERDICTS = Schema(TriedAnswer, "execute", label="task_id", unique=False)
