"""The `benchmarks` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class BenchmarksParams(Section):
    """Benchmarks that the models answer, in addition to the held-out functions."""

    section: ClassVar[str] = "benchmarks"
    sets: list[str] = Field(
        description="humaneval (from a pinned package), or paths of files in the format of HumanEval or MBPP"
    )
