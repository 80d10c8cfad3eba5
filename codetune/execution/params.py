"""The `execute` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from codetune.config import Section


class ExecuteParams(Section):
    """Which answers are run, and how they are made. Nothing is run unless it is asked for."""

    section: ClassVar[str] = "execute"
    seed: int = Field(ge=0, description="draws the functions, and the answers where the temperature is above 0")
    doctests: int = Field(
        ge=0, description="held-out functions at the most whose answers must give what their docstring's examples show"
    )
    problems: list[str] = Field(description="files of problems in the format of HumanEval or MBPP")
    samples: int = Field(ge=1, description="answers to each problem")
    k: list[int] = Field(min_length=1, description="the k of pass@k, none above samples")
    temperature: float = Field(ge=0, le=5, description="0 takes the likeliest token")
    top_p: float = Field(gt=0, le=1, description="draw from the tokens that together are this likely")
    max_new_tokens: int = Field(ge=1, description="tokens of an answer at the most")
    cpu_s: int = Field(ge=1, description="processor seconds for an answer and its tests")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if max(self.k) > self.samples or min(self.k) < 1:
            raise ValueError(f"k: found {self.k}, expected numbers from 1 to samples, which is {self.samples}")
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("samples: at temperature 0 all of them would be the same; set temperature: 0.8")
        return self
