"""The `generate` section of params.yaml."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from codetune.core.config import Section
from codetune.models.params import DeviceName


class GenerateParams(Section):
    """Which prompts are answered, and how long an answer may be. Decoding is greedy: nothing is drawn."""

    section: ClassVar[str] = "generate"
    seed: int = Field(ge=0, description="draws the prompts, from it and the row ids alone")
    max_prompts: int = Field(
        ge=1,
        description="prompts at the most, spread evenly over the test groups: held-out problems where there are any, "
        "else test rows",
    )
    benchmark_prompts: int = Field(ge=0, description="problems of each benchmark at the most; 0: all")
    reworded_prompts: int = Field(
        ge=0, description="prompts at the most that are asked again in other words, to see whether the answer holds"
    )
    max_new_tokens: int = Field(ge=1, description="tokens per answer at the most, end token included")
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        description="answers decoded at a time; auto: as many as memory allows, up to 128. Changes speed and memory, "
        "never the text"
    )
    stop: Literal["code", "end"] = Field(
        description="when an answer ends: code: once the fenced block that is read as its code has closed, for nothing "
        "that follows is scored (only where clean.task is python); end: at its end token"
    )
    device: DeviceName = Field(
        description="cpu: the same text again, as far as numerics.mode promises; cuda, or auto, which takes CUDA where "
        "there is one: faster, and the text is that device's own"
    )
