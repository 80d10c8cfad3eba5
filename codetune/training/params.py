"""The `train` section of params.yaml."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from codetune.core.config import STRICT, Section
from codetune.models.answer_form import AnswerForm
from codetune.models.params import DeviceName

Precision = Literal["auto", "float32", "bfloat16"]
Optimizer = Literal["adamw", "adafactor", "sgd"]
TooLong = Literal["drop", "cut", "error"]


class LoraParams(BaseModel):
    """Shape and place of the adapter (LoRA, https://arxiv.org/abs/2106.09685)."""

    model_config = STRICT
    rank: int = Field(ge=1, le=1024, description="rank of the two matrices per adapted module")
    alpha: float = Field(gt=0, description="the update is scaled by alpha / rank; twice the rank is common")
    dropout: float = Field(ge=0, lt=1, description="share of the adapter's inputs that are dropped in training")
    target_modules: str | list[str] = Field(
        min_length=1,
        description="modules that are adapted: attention, mlp, all-linear (the best of the three at equal rank, "
        "https://arxiv.org/abs/2405.09673), a name, a pattern such as *.q_proj, or a list; each must match something",
    )
    layers_to_transform: list[Annotated[int, Field(ge=0)]] | None = Field(
        min_length=1, description="numbers of the layers that are adapted, the first being 0; null: all"
    )
    modules_to_save: list[str] = Field(
        description="modules that are trained themselves besides, such as norm or lm_head: names or patterns"
    )
    use_rslora: bool = Field(
        description="scale by alpha / sqrt(rank), so that large ranks learn as fast (https://arxiv.org/abs/2312.03732)"
    )
    use_dora: bool = Field(
        description="learn direction and magnitude apart: slower, at times better (https://arxiv.org/abs/2402.09353)"
    )


class TrainParams(Section):
    """What is trained on, how long, and how."""

    section: ClassVar[str] = "train"
    seed: int = Field(ge=0, description="draws the rows, their order, the adapter's first weights and the dropout")
    max_rows: int = Field(ge=0, description="augmented train rows drawn, of those not too long; 0 takes all")
    weights: dict[str, Annotated[int, Field(ge=1, le=100)]] = Field(
        description="by name of a source of `ingest`: how much likelier one of its rows is drawn first than a row of a "
        "source that is not named, which has 1"
    )
    max_val_rows: int = Field(ge=0, description="rows drawn from the validation set; 0 takes all")
    max_tokens: int = Field(ge=8, description="tokens per row, prompt and end token included")
    too_long: TooLong = Field(
        description="what becomes of longer rows: drop, cut (they lose their end token), or error; all are counted"
    )
    answer_form: AnswerForm = Field(
        description="form in which code is taught; fenced: one Markdown block that says Python, the habit of instruct "
        "models; bare: the code alone. Fences count as tokens. Text (clean.task) is taught as it is"
    )
    epochs: int = Field(ge=1, description="passes over the rows")
    max_steps: int = Field(ge=0, description="optimizer steps after which training ends in any case; 0: no such limit")
    batch_size: int = Field(ge=1, description="rows computed at a time; changes speed and memory, with accumulation")
    accumulation: int = Field(ge=1, description="batches per optimizer step; what is learnt depends on the product")
    packing: bool = Field(
        description="lay the rows of a batch end to end instead of padding them; no token attends to another row"
    )
    device: DeviceName = Field(
        description="cpu: the same bytes again, as far as numerics.mode promises; cuda, or auto, which takes CUDA "
        "where there is one: faster, and the bytes are that device's own"
    )
    precision: Precision = Field(
        description="of matrix products in training: float32; bfloat16, for CUDA or processors with AMX; or auto, "
        "which takes bfloat16 in numerics.mode fast alone, and where a short measurement says that it is faster"
    )
    gradient_checkpointing: bool = Field(description="less memory for more time: activations are computed twice")
    learning_rate: float = Field(gt=0, description="peak, per optimizer step; about ten times that of full training")
    optimizer: Optimizer = Field(
        description="adamw; adafactor, which keeps sums of rows and columns in the place of two numbers a weight; or "
        "sgd. All give the same bits for any thread count"
    )
    schedule: Literal["cosine", "linear", "constant"] = Field(description="course of the learning rate after warm-up")
    warmup_share: float = Field(ge=0, lt=1, description="share of the steps in which the learning rate rises linearly")
    weight_decay: float = Field(ge=0, description="decoupled decay of the adapter's weights, per unit of learning rate")
    clip: float = Field(gt=0, description="largest norm of the gradient; longer ones are scaled down to it")
    evaluate_every: int = Field(ge=1, description="steps between validation losses; the best adapter is the one kept")
    patience: int = Field(
        ge=0, description="validation losses without a better one after which training stops early; 0: never"
    )
    checkpoint_every: int = Field(ge=1, description="steps between checkpoints, from which a killed run goes on")
    lora: LoraParams
