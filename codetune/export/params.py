"""The `export` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from codetune.core.config import Section


class ExportParams(Section):
    """How the merged model is stored."""

    section: ClassVar[str] = "export"
    dtype: Literal["float32", "bfloat16"] = Field(
        description="number type of the stored weights. float32: exactly the model that was evaluated. bfloat16: half "
        "the size, with rounded weights"
    )
