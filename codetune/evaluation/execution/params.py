"""The `execute` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class ExecuteParams(Section):
    """Limits and packages for running an answer with its tests."""

    section: ClassVar[str] = "execute"
    cpu_s: int = Field(ge=1, description="CPU seconds for an answer and its tests; increased on a slow machine")
    packages: list[str] = Field(
        default=[],
        description="installed packages that answers and tests may import in addition to the standard library, such as "
        "numpy; also list the dependencies of these packages",
    )
