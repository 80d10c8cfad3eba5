"""The `pretrain` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from codetune.config import Section


class PretrainParams(Section):
    """Shape of the base model, and the budget it is trained with."""

    section: ClassVar[str] = "pretrain"
    seed: int = Field(ge=0, description="draws the order of files, the first weights and the held-out files")
    vocab_size: int = Field(ge=300, le=65536, description="entries of the byte-level BPE, special tokens included")
    tokenizer_mb: int = Field(gt=0, description="MiB of source that the tokenizer is trained on")
    hidden_size: int = Field(ge=16, description="width of the residual stream")
    layers: int = Field(ge=1, description="decoder layers")
    heads: int = Field(ge=1, description="attention heads; divides hidden_size")
    kv_heads: int = Field(ge=1, description="key-value heads; divides heads (grouped-query attention)")
    intermediate_size: int = Field(ge=16, description="width of the gated MLP")
    context: int = Field(ge=64, description="positions the model is declared for, in tokens")
    sequence: int = Field(ge=32, description="tokens per training sequence; at most context")
    tokens: int = Field(gt=0, description="tokens trained on")
    batch_tokens: int = Field(gt=0, description="tokens per optimizer step; small batches serve small budgets")
    learning_rate: float = Field(gt=0, description="peak, per step of AdamW")
    warmup_share: float = Field(ge=0, lt=1, description="share of the steps in which the learning rate rises")
    weight_decay: float = Field(ge=0, description="AdamW's, on matrices only")
    clip: float = Field(gt=0, description="largest norm of the gradient")
    held_out_files: int = Field(ge=1, description="files of train packages kept from training, for the loss shown")
    checkpoint_every: int = Field(ge=1, description="steps between checkpoints, from which a killed run goes on")

    @model_validator(mode="after")
    def _shapes_fit(self) -> PretrainParams:
        if self.hidden_size % self.heads or self.heads % self.kv_heads:
            raise ValueError("heads must divide hidden_size, and kv_heads must divide heads")
        if self.sequence > self.context:
            raise ValueError("sequence must not exceed context")
        return self
