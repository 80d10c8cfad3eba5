"""The `execute` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class ExecuteParams(Section):
    """How much an answer may use when it is run."""

    section: ClassVar[str] = "execute"
    cpu_s: int = Field(ge=1, description="processor seconds for an answer and its tests; on a slow machine more")
    packages: list[str] = Field(
        default=[],
        description="packages installed here that answers and tests may import besides the standard library, such as "
        "numpy; each with what it needs",
    )
