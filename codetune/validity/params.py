"""The `validity` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.config import Section


class ValidityParams(Section):
    """Which programs the metrics are tried on."""

    section: ClassVar[str] = "validity"
    seed: int = Field(ge=0, description="draws the functions and their mutations")
    functions: int = Field(
        ge=1, description="functions whose examples are run; most need more than themselves and fail"
    )
    mutants: int = Field(ge=1, description="mutations of each function whose examples hold, one change each")
    cpu_s: int = Field(ge=1, description="processor seconds for a program and its examples")
