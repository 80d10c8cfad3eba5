"""The `execute` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class ExecuteParams(Section):
    """Limits of an answer that is run with its tests."""

    section: ClassVar[str] = "execute"
    cpu_s: int = Field(ge=1, description="CPU seconds for an answer and its tests; scaled up on a slow machine")
    packages: list[str] = Field(
        default=[],
        description="installed packages that answers and tests may import besides the standard library, such as numpy; "
        "name the packages that they need as well",
    )
