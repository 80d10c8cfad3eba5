"""The `assess` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.config import Section


class AssessParams(Section):
    """What the embedded base model is measured on."""

    section: ClassVar[str] = "assess"
    seed: int = Field(ge=0, description="draws files, functions and the samples shown")
    unseen_files: int = Field(ge=1, description="files of val and test packages that are predicted")
    functions: int = Field(ge=1, description="functions of test packages that the model writes below their docstring")
    max_new_tokens: int = Field(ge=1, description="longest function body, in tokens")
    batch_size: int = Field(ge=1, description="functions written at a time; changes speed alone")
    samples: int = Field(ge=0, description="functions shown in the card, as they came")
