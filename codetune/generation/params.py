"""The `generate` section of params.yaml."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from codetune.core.config import Section
from codetune.models.params import DeviceName


class GenerateParams(Section):
    """Which prompts the models answer, and how long an answer can be. Decoding is greedy."""

    section: ClassVar[str] = "generate"
    seed: int = Field(ge=0, description="seed for the choice of prompts, which depends only on it and on the row ids")
    max_prompts: int = Field(
        ge=1,
        description="largest number of prompts, spread evenly over the test groups. The prompts are held-out problems "
        "if there are any, else test rows",
    )
    benchmark_prompts: int = Field(ge=0, description="largest number of problems of each benchmark; 0: all")
    reworded_prompts: int = Field(
        ge=0, description="largest number of prompts that are also answered in reworded form, to measure robustness"
    )
    max_new_tokens: int = Field(ge=1, description="largest number of tokens in an answer, with the end token")
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        description="number of answers that are decoded together; auto: as many as fit into memory, up to 128. It "
        "changes speed and memory, but not the text"
    )
    stop: Literal["code", "end"] = Field(
        description="when an answer ends. code: at the end of the fenced block with its code, because nothing after "
        "it is scored (only if clean.task is python). end: at its end token"
    )
    device: DeviceName = Field(
        description="cpu: the same text on every machine, within the limits of numerics.mode. cuda: a GPU, which is "
        "faster and can give different text. auto: cuda if there is a GPU"
    )
