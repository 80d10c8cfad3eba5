"""Schema of reports/scores.jsonl: the scores of both models' answers to each prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import RowId, Words
from codetune.schemas.declaration import STRICT, Schema

# Raw scores are cosines in float32, which can exceed 1 by one ulp. Rescaling can enlarge that a thousand times.
_SLACK = 0.001
Rescaled = Annotated[
    float, Field(le=1 + _SLACK, allow_inf_nan=False, description="a finite number, at most 1; 0 means unrelated text")
]
Raw = Annotated[float, Field(ge=-1 - _SLACK, le=1 + _SLACK, description="a number from -1 to 1")]
Percent = Annotated[float, Field(ge=0, le=100, description="a number from 0 to 100")]
Flag = Annotated[int, Field(ge=0, le=1, description="0 or 1")]


def scores_schema(columns: Mapping[str, Any]) -> Schema:
    """Return the schema of the table for the given metrics.

    :param columns: the type of each score by the name of its metric, in order. `codetune.evaluation.metrics.registry`
        has those of this version.
    """
    answer = _row("AnswerScores", columns)
    prompt = _row("PromptScores", {"id": RowId, "group": Words, "base": answer, "tuned": answer})
    return Schema(prompt, "score")


def _row(name: str, columns: Mapping[str, Any]) -> Any:
    fields = dict(columns)
    row = TypedDict(name, fields)  # type: ignore[misc]
    row.__pydantic_config__ = STRICT  # type: ignore[attr-defined]
    return row
