"""The `generate` section of params.yaml."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from codetune.core.config import Section
from codetune.models.params import DeviceName


class GenerateParams(Section):
    """Which prompts the models answer, and how long an answer may be. Decoding is greedy."""

    section: ClassVar[str] = "generate"
    seed: int = Field(ge=0, description="chooses the prompts, together with the row ids alone")
    max_prompts: int = Field(
        ge=1,
        description="largest number of prompts, spread evenly over the test groups: held-out problems if there are "
        "any, "
        "else test rows",
    )
    benchmark_prompts: int = Field(ge=0, description="largest number of problems of each benchmark; 0: all")
    reworded_prompts: int = Field(
        ge=0, description="largest number of prompts that are asked again in other words, to measure robustness"
    )
    max_new_tokens: int = Field(ge=1, description="largest number of tokens of an answer, with the end token")
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        description="answers that are decoded together; auto: as many as memory allows, up to 128. Changes speed and "
        "memory, never the text"
    )
    stop: Literal["code", "end"] = Field(
        description="when an answer ends. code: as soon as the fenced block that is read as its code has closed, "
        "because "
        "nothing after it is scored (only if clean.task is python). end: at its end token"
    )
    device: DeviceName = Field(
        description="cpu: the same text on every machine, as numerics.mode says. cuda: a GPU, which is faster and may "
        "give "
        "other text. auto: cuda if there is a GPU"
    )
