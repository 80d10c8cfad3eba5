"""The `export` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, Field, field_validator

from codetune.core.config import STRICT, Section

GgufType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
AUTO = "auto"
DEFAULT_TYPES: tuple[GgufType, ...] = ("q8_0",)
DEFAULT_ADAPTER = "f16"


class GgufParams(BaseModel):
    """The GGUF files, for llama.cpp, ollama and other programs."""

    model_config = STRICT
    types: Literal["auto"] | list[GgufType] = Field(
        default="auto",
        description="number types of the merged models: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0, in bits per "
        "weight 32, 16, 16, 8.5, 6, 5.5, 5, 4.5; in the last four, embeddings keep 8.5. auto: q8_0, or nothing if the "
        "family or the tokenizer cannot be converted (reports/export.json has the reason). A list: an error then. "
        "[]: none",
    )
    adapter: Literal["auto", "f32", "f16", "none"] = Field(
        default="auto",
        description="number type of the LoRA adapter as a GGUF file, which a program adds to the base model's GGUF "
        "file. auto: f16, or nothing if it cannot be converted. none: no such file",
    )

    @field_validator("types")
    @classmethod
    def _each_once(cls, types: Literal["auto"] | list[GgufType]) -> Literal["auto"] | list[GgufType]:
        if isinstance(types, list) and len(set(types)) < len(types):
            raise ValueError("a type is in the list twice")
        return types


class ExportParams(Section):
    """How the merged model is stored."""

    section: ClassVar[str] = "export"
    dtype: Literal["float32", "bfloat16"] = Field(
        description="number type of the stored weights. float32: exactly the model that was evaluated. bfloat16: half "
        "the size, with rounded weights"
    )
    gguf: GgufParams = GgufParams()
