"""The sections `validity` and `answer_validity` of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class ValidityParams(Section):
    """Programs that the metrics are tested on (`make validity`)."""

    section: ClassVar[str] = "validity"
    seed: int = Field(ge=0, description="draws the functions and their mutations")
    functions: int = Field(ge=1, description="functions whose examples are run; most need their package and fail")
    mutants: int = Field(ge=1, description="mutations of each function whose examples pass, one change each")
    cpu_s: int = Field(ge=1, description="processor seconds for a program and its examples")


class AnswerValidityParams(Section):
    """Sampled answers that the metrics are tested on (`make answer-validity`)."""

    section: ClassVar[str] = "answer_validity"
    seed: int = Field(ge=0, description="draws the problems and the answers")
    problems: int = Field(ge=0, description="largest number of problems of each set; 0: all")
    answers: int = Field(ge=1, description="answers of each model to each problem")
    temperature: float = Field(gt=0, le=5, description="sampling temperature; higher gives more different answers")
    top_p: float = Field(
        gt=0, le=1, description="sample from the most likely tokens whose probabilities add up to this"
    )
    max_new_tokens: int = Field(ge=1, description="largest number of tokens of an answer")
    cpu_s: int = Field(ge=1, description="processor seconds for an answer and its tests")
