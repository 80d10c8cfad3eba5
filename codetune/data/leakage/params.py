"""The `examine` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from codetune.core.config import STRICT, Section
from codetune.models.encoders.params import EncoderParams


class SimilarityParams(BaseModel):
    """When a held-out row means the same as a train row, by the cosine of sentence embeddings."""

    model_config = STRICT

    encoder: EncoderParams
    max_tokens: int = Field(ge=8, le=8192, description="tokens that are read of a text; time grows with them")
    min_instruction: float = Field(
        gt=0, le=1,
        description="cosine of the instructions, without the frame all share; at 0.9 and 0.85 six pairs of the default "
        "data are found, of which five are derived from the same function",
    )  # fmt: skip
    min_code: float = Field(gt=0, le=1, description="cosine of the code, which counts as well")


class ExamineParams(Section):
    """How much of val and test may be found in train before the pipeline stops."""

    section: ClassVar[str] = "examine"
    near_duplicate: float = Field(gt=0, le=1, description="Jaccard of token 5-grams from which rows count as near")
    max_exact: int = Field(ge=0, description="held-out rows whose code or instruction stands in train as it is")
    max_renamed: int = Field(
        ge=0,
        description="held-out rows whose function stands in train under other names of variables or other constants",
    )
    max_near: int = Field(
        ge=0,
        description="held-out rows that are near-duplicates of a train row, or of which a longer one holds as much",
    )
    similarity: SimilarityParams
    max_similar: int = Field(
        ge=0, description="held-out rows that mean the same as a train row; a small encoder errs, so not none"
    )
    max_benchmark: int = Field(
        ge=0, description="tasks of clean.benchmarks whose solution is found in train in any of these ways"
    )
