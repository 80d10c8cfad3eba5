"""reports/scores.jsonl: the scores of each prompt's answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from codetune.schemas.columns import RowId, Similarity, Words
from codetune.schemas.declaration import STRICT, Schema

# Raw scores are cosines in float32, which may pass 1 by an ulp; rescaling can make that a thousand times as much.
_SLACK = 0.001
Rescaled = Annotated[
    float, Field(le=1 + _SLACK, allow_inf_nan=False, description="a finite number of at most 1; 0 is unrelated text")
]
Raw = Annotated[float, Field(ge=-1 - _SLACK, le=1 + _SLACK, description="a number from -1 to 1")]
Percent = Annotated[float, Field(ge=0, le=100, description="a number from 0 to 100")]
Flag = Annotated[int, Field(ge=0, le=1, description="0 or 1")]


class AnswerScores(TypedDict):
    """The scores of one answer."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    bertscore_precision: Rescaled
    bertscore_recall: Rescaled
    bertscore_f1: Rescaled
    bertscore_f1_raw: Raw
    chrf: Percent
    bleu: Percent
    code_bertscore: Rescaled
    edit_similarity: Similarity
    tree_similarity: Similarity
    length_ratio: Similarity
    tree_match: Flag
    signature_kept: Flag
    names_bound: Flag
    exact_match: Flag
    syntax_valid: Flag
    expected_form: Flag
    stopped: Flag


class PromptScores(TypedDict):
    """The scores of one prompt: of the answer of the base model, and of the tuned one."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: RowId
    group: Words
    base: AnswerScores
    tuned: AnswerScores


SCORES = Schema(PromptScores, "score")
