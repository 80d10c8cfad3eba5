"""The `score` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section
from codetune.models.encoders.params import EncoderParams


class BertScoreParams(EncoderParams):
    """Which encoder compares answers with references, and how its scale is set."""

    layer: int = Field(
        ge=0, le=1000, description="hidden layer that is compared, 0 being the token embeddings; bert-score: num_layers"
    )
    baseline_pairs: int = Field(
        ge=1,
        le=1_000_000,
        description="random pairs of the answers to different held-out rows, whose mean score becomes 0 by rescaling",
    )


class ScoreParams(Section):
    """How answers are scored, and how sure a difference is."""

    section: ClassVar[str] = "score"
    seed: int = Field(ge=0, description="draws the random pairs and the bootstrap samples")
    bertscore: BertScoreParams
    bootstrap_samples: int = Field(
        ge=100,
        le=100_000,
        description="resamples of the prompts (Koehn 2004 takes 1,000)",
    )
    confidence: float = Field(gt=0.5, lt=1, description="share of the resamples that lie within an interval")
