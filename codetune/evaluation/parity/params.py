"""The `parity` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section


class ParityParams(Section):
    """Settings of `make parity`, which compares the answers of the exported GGUF files with those of torch."""

    section: ClassVar[str] = "parity"
    prompts: int = Field(
        ge=1, description="largest number of prompts: those of the stage generate, from each test set in turn"
    )
    max_new_tokens: int = Field(ge=1, description="largest number of tokens of an answer, with the end token")
