"""The `generate` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.config import Section


class GenerateParams(Section):
    """Which test prompts are answered, and how long an answer may be. Decoding is greedy: nothing is drawn."""

    section: ClassVar[str] = "generate"
    seed: int = Field(ge=0, description="draws the prompts, from it and the row ids alone")
    max_prompts: int = Field(ge=1, description="prompts at the most, spread evenly over the test groups")
    reworded_prompts: int = Field(
        ge=0, description="prompts at the most that are asked again in other words, to see whether the answer holds"
    )
    max_new_tokens: int = Field(ge=1, description="tokens per answer at the most, end token included")
    batch_size: int = Field(ge=1, description="answers decoded at a time; changes speed and memory, never the text")
