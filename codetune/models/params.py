"""The `model` section of params.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from codetune.core.config import Section
from codetune.models.prompt import KEEP_SYSTEM

DeviceName = Literal["auto", "cpu", "cuda"]
BASE_FOLDER = Path("models/base")
"""Where the stage `base` writes: a model that has a name, or the record of one that is used where it lies."""
PROVENANCE = "provenance.json"


class ModelParams(Section):
    """The base model that is fine-tuned."""

    section: ClassVar[str] = "model"
    base: str = Field(
        min_length=1,
        description="name of a model that the stage `base` fetches (smollm2, qwen2.5-coder-0.5b), a GGUF file with any "
        "suffix, a local folder in the shape of a hub snapshot (safetensors or GGUF), or a hub id",
    )
    revision: str | None = Field(
        pattern="^[0-9a-f]{40}$",
        description="commit of the hub id, 40 hexadecimal digits, so that results stay the same; else null",
    )
    system: str = Field(
        default=KEEP_SYSTEM,
        min_length=1,
        description="system text of the chat template. keep: the text that the template inserts; none: no system text; "
        "otherwise the text itself. It costs its tokens in every row",
    )
