"""The sections `validity` and `answer_validity` of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class ValidityParams(Section):
    """Which programs the metrics are tried on."""

    section: ClassVar[str] = "validity"
    seed: int = Field(ge=0, description="draws the functions and their mutations")
    functions: int = Field(
        ge=1, description="functions whose examples are run; most need more than themselves and fail"
    )
    mutants: int = Field(ge=1, description="mutations of each function whose examples hold, one change each")
    cpu_s: int = Field(ge=1, description="processor seconds for a program and its examples")


class AnswerValidityParams(Section):
    """Which answers the metrics are tried on: drawn from the models, and run."""

    section: ClassVar[str] = "answer_validity"
    seed: int = Field(ge=0, description="draws the problems and the answers")
    problems: int = Field(ge=0, description="problems of each set at the most; 0: all")
    answers: int = Field(ge=1, description="answers to each problem that base and tuned model give each")
    temperature: float = Field(gt=0, le=5, description="of the drawing; higher gives answers that differ more")
    top_p: float = Field(gt=0, le=1, description="draw from the tokens that together are this likely")
    max_new_tokens: int = Field(ge=1, description="tokens of an answer at the most")
    cpu_s: int = Field(ge=1, description="processor seconds for an answer and its tests")
