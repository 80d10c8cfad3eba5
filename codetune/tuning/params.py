"""The `train` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from codetune.config import Section


class LoraParams(BaseModel):
    """Shape and place of the adapter (LoRA, https://arxiv.org/abs/2106.09685)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    rank: int = Field(ge=1, le=1024, description="rank of the two matrices per adapted module")
    alpha: float = Field(gt=0, description="the update is scaled by alpha / rank; twice the rank is common")
    dropout: float = Field(ge=0, lt=1, description="share of the adapter's inputs that are dropped in training")
    targets: str | list[str] = Field(
        min_length=1,
        description="modules that are adapted: attention, mlp, all-linear (the best of the three at equal rank, "
        "https://arxiv.org/abs/2405.09673), one module name, or a list of names; each must match something",
    )


class TrainParams(Section):
    """What is trained on, how long, and how."""

    section: ClassVar[str] = "train"
    seed: int = Field(ge=0, description="draws the rows, their order, the adapter's first weights and the dropout")
    max_rows: int = Field(ge=0, description="augmented train rows drawn, of those not too long; 0 takes all")
    max_val_rows: int = Field(ge=0, description="rows drawn from the validation set; 0 takes all")
    max_tokens: int = Field(ge=8, description="tokens per row, prompt and end token included; longer rows are dropped")
    epochs: int = Field(ge=1, description="passes over the rows")
    batch_size: int = Field(ge=1, description="rows per optimizer step")
    learning_rate: float = Field(gt=0, description="peak, per optimizer step; about ten times that of full training")
    optimizer: Literal["adamw", "sgd"] = Field(description="adamw (fused: the same bits for any thread count) or sgd")
    schedule: Literal["cosine", "linear", "constant"] = Field(description="course of the learning rate after warm-up")
    warmup_share: float = Field(ge=0, lt=1, description="share of the steps in which the learning rate rises linearly")
    weight_decay: float = Field(ge=0, description="decoupled decay of the adapter's weights, per unit of learning rate")
    clip: float = Field(gt=0, description="largest norm of the gradient; longer ones are scaled down to it")
    evaluate_every: int = Field(ge=1, description="steps between validation losses; the best adapter is the one kept")
    lora: LoraParams
