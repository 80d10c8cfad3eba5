"""The parameters that select an encoder. Several sections of params.yaml contain them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from codetune.core.config import STRICT


class EncoderParams(BaseModel):
    """The encoder that turns text into vectors."""

    model_config = STRICT

    model: str = Field(
        min_length=1,
        description="minilm: the packaged all-MiniLM-L6-v2; otherwise a local folder with the files of a hub snapshot "
        "(safetensors), or a hub id",
    )
    revision: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{40}$",
        description="commit of the hub id, 40 hexadecimal digits, so that results stay the same; null if model is not "
        "a hub id",
    )
