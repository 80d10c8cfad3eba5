"""The `model` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from codetune.config import Section
from codetune.prompt import KEEP_SYSTEM

DeviceName = Literal["auto", "cpu", "cuda"]


class ModelParams(Section):
    """Which causal language model is tuned."""

    section: ClassVar[str] = "model"
    base: str = Field(
        min_length=1,
        description="local folder in the shape of a hub snapshot (safetensors), GGUF file (whatever its suffix), or "
        "hub id",
    )
    revision: str | None = Field(
        pattern="^[0-9a-f]{40}$",
        description="commit of the hub id, 40 hexadecimal digits, so that results stay the same; else null",
    )
    system: str = Field(
        default=KEEP_SYSTEM,
        min_length=1,
        description="system text that an instruct model is asked with. keep: what its chat template puts there by "
        "itself; none: nothing; else the text. It is part of every prompt, so it costs its tokens in every row",
    )
