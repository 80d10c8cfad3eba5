"""The `benchmarks` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class BenchmarksParams(Section):
    """Which problems of others the models are asked, beside the held-out functions of the data."""

    section: ClassVar[str] = "benchmarks"
    sets: list[str] = Field(
        description="humaneval, which is taken out of a package, or files in the format of HumanEval or MBPP"
    )
