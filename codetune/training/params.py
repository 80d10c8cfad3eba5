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
Layers = Literal["upper-half"] | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] | None


class LoraParams(BaseModel):
    """Settings of the LoRA adapter (https://arxiv.org/abs/2106.09685)."""

    model_config = STRICT
    rank: int = Field(ge=1, le=1024, description="rank of the two matrices of each adapted module")
    alpha: float = Field(gt=0, description="the update is scaled by alpha / rank; twice the rank is common")
    dropout: float = Field(ge=0, lt=1, description="dropout probability of the inputs of the adapter")
    target_modules: str | list[str] = Field(
        min_length=1,
        description="modules that get LoRA weights: attention, mlp, all-linear (the best of the three at equal rank, "
        "https://arxiv.org/abs/2405.09673), a name, a pattern such as *.q_proj, or a list; each must match at least "
        "one module",
    )
    layers_to_transform: Layers = Field(
        description="layers that are adapted. null: all. upper-half: those nearer to the output, which takes a quarter "
        "less time, because gradients are computed only down to the lowest adapted layer. A list: their numbers, "
        "counted from 0"
    )
    modules_to_save: list[str] = Field(
        description="modules whose own weights are trained as well, such as norm or lm_head: names or patterns"
    )
    use_rslora: bool = Field(
        description="scale by alpha / sqrt(rank), which helps large ranks (https://arxiv.org/abs/2312.03732)"
    )
    use_dora: bool = Field(
        description="train direction and magnitude separately; slower, sometimes better "
        "(https://arxiv.org/abs/2402.09353)"
    )


class TrainParams(Section):
    """Training rows, length of training, optimizer and adapter."""

    section: ClassVar[str] = "train"
    seed: int = Field(
        ge=0, description="chooses the rows, their order, the initial weights of the adapter and the dropout"
    )
    max_rows: int = Field(
        ge=0, description="number of train rows that are drawn from those that are not too long; 0: all"
    )
    weights: dict[str, Annotated[int, Field(ge=1, le=100)]] = Field(
        description="weight of the rows of a source when rows are drawn, by the name of the source; a source that is "
        "not named has the weight 1"
    )
    max_val_rows: int = Field(ge=0, description="number of validation rows that are drawn; 0: all")
    max_tokens: int = Field(ge=8, description="largest number of tokens of a row, with prompt and end token")
    too_long: TooLong = Field(
        description="what happens to longer rows: drop, cut (they lose their end token), or error; all are counted"
    )
    answer_form: AnswerForm = Field(
        description="form in which code is taught. fenced: one Markdown block that is marked as Python, as instruct "
        "models write it. bare: the code alone. Fences count as tokens. Text (clean.task: text) is taught unchanged"
    )
    epochs: int = Field(ge=1, description="passes over the rows")
    max_steps: int = Field(ge=0, description="largest number of optimizer steps; 0: no limit")
    batch_size: int = Field(
        ge=1, description="rows that are computed together; an optimizer step has batch_size × accumulation rows"
    )
    accumulation: int = Field(ge=1, description="batches per optimizer step")
    packing: bool = Field(
        description="join the rows of a batch into one sequence without padding; no token attends to another row"
    )
    device: DeviceName = Field(
        description="cpu: the same bytes on every machine if numerics.mode allows it. cuda: a GPU, which is faster and "
        "gives other bytes. auto: cuda if there is a GPU"
    )
    precision: Precision = Field(
        description="number type of matrix products in training: float32; bfloat16, for CUDA or CPUs with AMX; auto: "
        "float32, but bfloat16 if numerics.mode is fast and a short measurement shows that it is faster"
    )
    gradient_checkpointing: bool = Field(description="compute activations twice: less memory, more time")
    learning_rate: float = Field(gt=0, description="peak learning rate; about ten times that of full fine-tuning")
    optimizer: Optimizer = Field(
        description="adamw; adafactor, which needs less memory because it keeps sums of rows and columns; or sgd. All "
        "give the same bits for any number of threads"
    )
    schedule: Literal["cosine", "linear", "constant"] = Field(
        description="schedule of the learning rate after the warm-up"
    )
    warmup_share: float = Field(ge=0, lt=1, description="share of the steps in which the learning rate rises linearly")
    weight_decay: float = Field(ge=0, description="decoupled weight decay of the adapter, per unit of learning rate")
    clip: float = Field(gt=0, description="largest norm of the gradient; a larger gradient is scaled down")
    evaluate_every: int = Field(ge=1, description="steps between validations; the best adapter is kept")
    patience: int = Field(
        ge=0, description="training stops early after this many validations without an improvement; 0: never"
    )
    checkpoint_every: int = Field(ge=1, description="steps between checkpoints, from which a killed run continues")
    lora: LoraParams
