"""The `score` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from codetune.config import Section


class BertScoreParams(BaseModel):
    """Which encoder compares answers with references, and how its scale is set."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: str = Field(description="minilm: the packaged all-MiniLM-L6-v2; else a local folder or a hub id")
    layer: int = Field(ge=0, description="hidden layer that is compared; bert-score calls it num_layers")
    batch_size: int = Field(ge=1, le=1024, description="texts encoded at a time; changes speed alone")
    baseline_texts: int = Field(ge=2, description="train functions that the random pairs are drawn from")
    baseline_pairs: int = Field(ge=1, description="random pairs whose mean score becomes 0 after rescaling")


class ScoreParams(Section):
    """How answers are scored, and how sure a difference is."""

    section: ClassVar[str] = "score"
    seed: int = Field(ge=0, description="draws the random pairs and the bootstrap samples")
    bertscore: BertScoreParams
    bootstrap_samples: int = Field(
        ge=100, le=1_000_000, description="resamples of the prompts (Koehn 2004 takes 1,000)"
    )
    confidence: float = Field(gt=0.5, lt=1, description="share of the resamples that lie within an interval")
