"""The `augment` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.config import Section


class AugmentParams(Section):
    """Which rows get paraphrases, how many, and how far these go from the original."""

    section: ClassVar[str] = "augment"
    seed: int = Field(ge=0, description="seed of every draw, joined with the row's id; another seed, other paraphrases")
    share: float = Field(ge=0.0, le=1.0, description="share of the train rows that get paraphrases; 0 copies the rows")
    per_row: int = Field(ge=1, le=16, description="paraphrases per chosen row; past a few they differ little")
    change_share: float = Field(
        gt=0.0, le=1.0, description="share of the replaceable places of an instruction that one paraphrase changes"
    )
    min_changes: int = Field(
        ge=1, le=16, description="places; a paraphrase that changes fewer is rejected as too near to its parent"
    )
    max_attempts: int = Field(ge=1, le=64, description="draws per paraphrase before the row is given up, and counted")
    workers: int = Field(ge=0, le=256, description="processes that paraphrase; 0 takes all cores; changes no byte")
