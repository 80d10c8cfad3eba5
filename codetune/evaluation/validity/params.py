"""The sections `validity` and `answer_validity` of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class ValidityParams(Section):
    """Settings of `make validity`, which tests the metrics on equivalent and broken programs."""

    section: ClassVar[str] = "validity"
    seed: int = Field(ge=0, description="random seed of the choice of functions and mutations")
    functions: int = Field(
        ge=1, description="number of functions whose examples are run; most need their package and fail"
    )
    mutants: int = Field(ge=1, description="number of mutations of each function whose examples pass, one change each")
    cpu_s: int = Field(ge=1, description="CPU seconds for a program and its examples")


class AnswerValidityParams(Section):
    """Settings of `make answer-validity`, which tests the metrics on sampled answers of the models."""

    section: ClassVar[str] = "answer_validity"
    seed: int = Field(ge=0, description="random seed of the choice of problems and of the answers")
    problems: int = Field(ge=0, description="largest number of problems of each set; 0: all")
    answers: int = Field(ge=1, description="number of answers of each model to each problem")
    temperature: float = Field(gt=0, le=5, description="sampling temperature; higher values give more varied answers")
    top_p: float = Field(
        gt=0, le=1, description="sample only from the most likely tokens whose probabilities add up to this value"
    )
    max_new_tokens: int = Field(ge=1, description="largest number of tokens of an answer")
    cpu_s: int = Field(ge=1, description="CPU seconds for an answer and its tests")
