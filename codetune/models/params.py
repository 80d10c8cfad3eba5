"""The `model` section of params.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from codetune.core.config import Section
from codetune.models.prompt import KEEP_SYSTEM

DeviceName = Literal["auto", "cpu", "cuda"]
BASE_FOLDER = Path("models/base")
"""The output folder of the stage `base`: a model of the catalogue, or only the record of another base."""
PROVENANCE = "provenance.json"


class ModelParams(Section):
    """The base model that is fine-tuned."""

    section: ClassVar[str] = "model"
    base: str = Field(
        min_length=1,
        description="name of a model that the stage `base` fetches (smollm2, qwen2.5-coder-0.5b), a GGUF file with any "
        "suffix, a local folder with the files of a hub snapshot (safetensors or GGUF), or a hub id",
    )
    revision: str | None = Field(
        pattern="^[0-9a-f]{40}$",
        description="commit of the hub id, 40 hexadecimal digits, so that results stay the same; null if base is not "
        "a hub id",
    )
    system: str = Field(
        default=KEEP_SYSTEM,
        min_length=1,
        description="system text of the chat template. keep: the text that the template inserts; none: no system text; "
        "otherwise the text itself. The system text counts as tokens in every row",
    )
