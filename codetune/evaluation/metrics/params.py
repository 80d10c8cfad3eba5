"""The `score` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section
from codetune.models.encoders.params import EncoderParams


class BertScoreParams(EncoderParams):
    """The encoder that compares answers with references, and the scale of the score."""

    layer: int = Field(
        ge=0, le=1000, description="hidden layer that is compared; 0: the token embeddings (num_layers in bert-score)"
    )
    baseline_pairs: int = Field(
        ge=1,
        le=1_000_000,
        description="random pairs of references of different held-out rows; their mean score becomes 0 by rescaling",
    )


class ScoreParams(Section):
    """How answers are scored, and how intervals and p-values are computed."""

    section: ClassVar[str] = "score"
    seed: int = Field(ge=0, description="draws the random pairs and the bootstrap samples")
    bertscore: BertScoreParams
    bootstrap_samples: int = Field(
        ge=100,
        le=100_000,
        description="resamples of the bootstrap (Koehn 2004 uses 1,000)",
    )
    confidence: float = Field(gt=0.5, lt=1, description="confidence level of the intervals")
