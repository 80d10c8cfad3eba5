"""The `score` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section
from codetune.models.encoders.params import EncoderParams


class BertScoreParams(EncoderParams):
    """The encoder of BERTScore, and how its scores are rescaled."""

    layer: int = Field(
        ge=0,
        le=1000,
        description="hidden layer whose vectors are compared; 0: the token embeddings (num_layers in bert-score)",
    )
    baseline_pairs: int = Field(
        ge=1,
        le=1_000_000,
        description="number of random pairs of references from different held-out rows; rescaling maps their mean "
        "score to 0",
    )


class ScoreParams(Section):
    """Settings of the metrics, and of intervals and p-values."""

    section: ClassVar[str] = "score"
    seed: int = Field(ge=0, description="random seed of the baseline pairs and the bootstrap samples")
    bertscore: BertScoreParams
    bootstrap_samples: int = Field(
        ge=100,
        le=100_000,
        description="number of bootstrap samples (Koehn 2004 uses 1,000)",
    )
    confidence: float = Field(gt=0.5, lt=1, description="confidence level of the intervals")
