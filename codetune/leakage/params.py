"""The `examine` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.config import Section


class ExamineParams(Section):
    """How much of val and test may be found in train before the pipeline stops."""

    section: ClassVar[str] = "examine"
    near_duplicate: float = Field(gt=0, le=1, description="Jaccard of token 5-grams from which rows count as near")
    max_exact: int = Field(ge=0, description="held-out rows whose code or instruction stands in train as it is")
    max_renamed: int = Field(
        ge=0, description="held-out rows whose code stands in train under other names of variables or other constants"
    )
    max_near: int = Field(ge=0, description="held-out rows that are near-duplicates of a train row")
    benchmarks: list[str] = Field(
        description="files in the format of HumanEval or MBPP (JSON lines, gzip if named .gz) whose solutions are "
        "looked for in train"
    )
    max_benchmark: int = Field(
        ge=0, description="benchmark tasks whose solution is found in train in any of these ways"
    )
