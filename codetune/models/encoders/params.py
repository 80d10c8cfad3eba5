"""How an encoder is named in params.yaml; sections that need one hold this."""

from __future__ import annotations

from pydantic import BaseModel, Field

from codetune.core.config import STRICT


class EncoderParams(BaseModel):
    """Which encoder turns text into vectors."""

    model_config = STRICT

    model: str = Field(
        min_length=1,
        description="minilm: the packaged all-MiniLM-L6-v2; else a local folder in the shape of a hub snapshot "
        "(safetensors), or a hub id",
    )
    revision: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{40}$",
        description="commit of the hub id, 40 hexadecimal digits, so that results stay the same; null otherwise",
    )
