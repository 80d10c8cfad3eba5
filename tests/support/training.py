"""Parameters for trainings of a few seconds, and inputs and outputs of the stage `train` in a folder of a test."""

from pathlib import Path
from typing import Any

from codetune.core.files import write_jsonl
from codetune.models.params import ModelParams
from codetune.models.prompt import example_ids
from codetune.numerics import NumericsParams
from codetune.training.data import TokenizedRow
from codetune.training.params import LoraParams, TrainParams
from stages import train

LORA: dict[str, Any] = {
    "rank": 4, "alpha": 8.0, "dropout": 0.0, "target_modules": "all-linear", "layers_to_transform": None,
    "modules_to_save": [], "use_rslora": False, "use_dora": False,
}  # fmt: skip
TRAIN: dict[str, Any] = {
    "seed": 7,
    "max_rows": 15,
    "weights": {},
    "max_val_rows": 0,
    "max_tokens": 200,
    "too_long": "drop",
    "answer_form": "bare",
    "epochs": 1,
    "max_steps": 0,
    "batch_size": 4,
    "accumulation": 1,
    "packing": False,
    "device": "cpu",
    "precision": "float32",
    "gradient_checkpointing": False,
    "learning_rate": 1e-2,
    "optimizer": "adamw",
    "schedule": "cosine",
    "warmup_share": 0.1,
    "weight_decay": 0.0,
    "clip": 1.0,
    "evaluate_every": 2,
    "patience": 0,
    "checkpoint_every": 2,
    "lora": LORA | {"dropout": 0.1},
}


def lora(**changes: Any) -> LoraParams:
    return LoraParams.model_validate(LORA | changes)


def params(base: Path | str, system: str = "keep", **changes: Any) -> train.Params:
    """Return the parameters of the stage; `changes` apply to the section `train`."""
    return train.Params(
        TrainParams.model_validate(TRAIN | changes),
        ModelParams(base=str(base), revision=None, system=system),
        NumericsParams(mode="portable", threads=1),
    )


def tokenized(tokenizer: Any, rows: list[dict[str, Any]]) -> list[TokenizedRow]:
    """Return rows in the form that training uses."""
    examples = [example_ids(tokenizer, row["instruction"], row["completion"], 400) for row in rows]
    return [TokenizedRow(row["id"], each.input_ids, each.labels) for row, each in zip(rows, examples, strict=True)]


def inputs_in(folder: Path, rows: list[dict[str, Any]], val_rows: list[dict[str, Any]]) -> train.Inputs:
    """Write rows for training and validation. Return their paths."""
    inputs = train.Inputs(folder / "data/augmented/train.jsonl", folder / "data/clean/val.jsonl")
    write_jsonl(inputs.train, rows)
    write_jsonl(inputs.val, val_rows)
    return inputs


def outputs_in(folder: Path) -> train.Outputs:
    return train.Outputs(folder / "models/adapter", folder / "reports/training", folder / "state")
