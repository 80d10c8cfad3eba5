"""The `pretrain` section of params.yaml."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field, model_validator

from codetune.config import Section


class PretrainParams(Section):
    """Shape of the base model, what it is shown, and the budget it is trained with."""

    section: ClassVar[str] = "pretrain"
    seed: int = Field(ge=0, description="draws the order of documents, the first weights and the held-out files")
    vocab_size: int = Field(ge=300, le=65536, description="entries of the byte-level BPE, special tokens included")
    tokenizer_mb: int = Field(gt=0, description="MiB of source that the tokenizer is trained on")
    hidden_size: int = Field(ge=16, description="width of the residual stream")
    layers: int = Field(ge=1, description="decoder layers")
    heads: int = Field(ge=1, description="attention heads; divides hidden_size")
    kv_heads: int = Field(ge=1, description="key-value heads; divides heads (grouped-query attention)")
    intermediate_size: int = Field(ge=16, description="width of the gated MLP")
    context: int = Field(ge=64, description="tokens per training sequence, and positions the model is declared for")
    function_share: float = Field(
        ge=0, le=1, description="share of the documented functions that are also shown alone, description before body"
    )
    function_chars: int = Field(gt=0, description="longest such function, in characters")
    tokens: int = Field(gt=0, description="tokens trained on, in all")
    decay_share: float = Field(
        gt=0, le=1,
        description="share of the tokens, at the end, over which the learning rates fall to zero; a run with more "
        "tokens goes on from where an earlier one began to decay",
    )  # fmt: skip
    decay_function_share: float = Field(
        ge=0, le=1,
        description="share of the rows, while the learning rates fall, that hold single functions only: what a model "
        "sees last it knows best",
    )  # fmt: skip
    decay_loop_share: float = Field(
        ge=0, le=1,
        description="share of those rows that hold functions caught in made-up loops, whose tokens shall become less "
        "likely at each turn: greedy answers end more often; at most what decay_function_share leaves",
    )  # fmt: skip
    batch_tokens: int = Field(gt=0, description="tokens per optimizer step; small batches serve small budgets")
    warmup_steps: int = Field(ge=1, description="optimizer steps in which the learning rates rise")
    matrix_learning_rate: float = Field(gt=0, description="of the layers' matrices, per step of Muon")
    embedding_learning_rate: float = Field(gt=0, description="of the token embeddings, per step of AdamW")
    output_learning_rate: float = Field(gt=0, description="of the output matrix and the norms, per step of AdamW")
    momentum: float = Field(ge=0, lt=1, description="Muon's, after Nesterov")
    weight_decay: float = Field(ge=0, description="decoupled, on the layers' matrices, times their learning rate")
    clip: float = Field(gt=0, description="largest norm of the gradient")
    held_out_files: int = Field(ge=1, description="files of train packages kept from training, for the loss shown")
    evaluate_every: int = Field(ge=1, description="steps between bits per byte on some of the held-out files")
    checkpoint_every: int = Field(ge=1, description="steps between checkpoints, from which a killed run goes on")

    @model_validator(mode="after")
    def _shapes_fit(self) -> PretrainParams:
        if self.hidden_size % self.heads or self.heads % self.kv_heads:
            raise ValueError("heads must divide hidden_size, and kv_heads must divide heads")
        if self.batch_tokens % self.context:
            raise ValueError("batch_tokens must be a multiple of context")
        if self.decay_function_share + self.decay_loop_share > 1:
            raise ValueError("decay_function_share and decay_loop_share must not be more than 1 together")
        return self

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.tokens // self.batch_tokens

    @property
    def steady_steps(self) -> int:
        """Optimizer steps before the learning rate begins to fall."""
        return self.steps - max(1, round(self.steps * self.decay_share))

    @property
    def step_rows(self) -> int:
        """Rows of `context` tokens in an optimizer step."""
        return self.batch_tokens // self.context

    @property
    def function_rows(self) -> int:
        """Rows that hold single functions, in all."""
        return self.functions_before(self._decay_rows)

    @property
    def loop_rows(self) -> int:
        """Rows that hold functions caught in loops, in all."""
        return self.loops_before(self._decay_rows - self.function_rows)

    @property
    def _decay_rows(self) -> int:
        return (self.steps - self.steady_steps) * self.step_rows

    def functions_before(self, row: int) -> int:
        """Rows of functions among the first `row` of the decay."""
        return math.floor(row * self.decay_function_share)

    def loops_before(self, row: int) -> int:
        """Rows of loops among the first `row` of the decay that hold no functions."""
        left = 1 - self.decay_function_share
        return math.floor(row * min(1.0, self.decay_loop_share / left)) if left else 0
