"""The `examine` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from codetune.core.config import STRICT, Section
from codetune.models.encoders.params import EncoderParams


class SimilarityParams(BaseModel):
    """Search for held-out rows that mean the same as a train row, by the cosine of sentence embeddings."""

    model_config = STRICT

    encoder: EncoderParams
    max_tokens: int = Field(ge=8, le=8192, description="tokens of a text that are embedded; more tokens take more time")
    min_instruction: float = Field(
        gt=0, le=1,
        description="smallest cosine of the instructions, without the wording that all of them share. 0.9 here and "
        "0.85 for `min_code` find six pairs in the default data; in five of them both rows are derived from the same "
        "function",
    )  # fmt: skip
    min_code: float = Field(gt=0, le=1, description="smallest cosine of the code; a pair must reach both values")


class ExamineParams(Section):
    """Search for val and test rows in train, and the numbers of them above which the pipeline stops."""

    section: ClassVar[str] = "examine"
    near_duplicate: float = Field(
        gt=0, le=1, description="Jaccard similarity of token 5-grams from which rows are near-duplicates"
    )
    max_exact: int = Field(
        ge=0, description="accepted number of held-out rows whose code or instruction is unchanged in train"
    )
    max_renamed: int = Field(
        ge=0,
        description="accepted number of held-out rows whose function is in train with other names, numbers or short "
        "texts",
    )
    max_near: int = Field(
        ge=0,
        description="accepted number of held-out rows that are near-duplicates of a train row, or contained in one",
    )
    similarity: SimilarityParams
    max_similar: int = Field(
        ge=0,
        description="accepted number of held-out rows that mean the same as a train row; above 0, because a small "
        "encoder makes mistakes",
    )
    max_benchmark: int = Field(
        ge=0, description="accepted number of benchmark tasks whose solution is found in train in any of these ways"
    )
