"""Compare LoRA training with padded batches, with TRL's SFTTrainer with its defaults, and between numerics modes.

TRL is not a dependency of the project. `make bench` installs it into a folder of .cache, where only its own process
finds it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.core.config import load_section
from codetune.numerics import CONTROLLED, ENVIRONMENT
from codetune.schemas.instructions import ORIGINALS
from codetune.training.params import TrainParams

TRL = "trl==1.16.0"
_TRAINER = "SFTTrainer"
_FOLDER = Path(".cache") / TRL
_BASE = os.environ.get("BASE", "smollm2")  # a value of model.base
_TRAIN, _VAL = Path("data/clean/train.jsonl"), Path("data/clean/val.jsonl")
_ROWS, _VAL_ROWS, _BATCH, _ROUNDS = 64, 64, 8, 3
_LEARNING_RATE = 1e-3


def training() -> None:
    """Compare one pass over 64 rows (grouped by length, logits only for labels) with padding and all logits."""
    import torch

    from benchmarks.timing import compare
    from codetune.models.load import load_model
    from codetune.training.data import RowLimits, collate, load_rows, training_steps
    from codetune.training.loss import batch_loss

    loaded = load_model(_BASE)
    rows = load_rows(_TRAIN, ORIGINALS, loaded.tokenizer, RowLimits(64, 320, seed=7)).rows
    pad = loaded.tokenizer.pad_token_id
    grouped = [batch for step in training_steps(rows, 8, 1, 7, 0, partial(collate, pad_id=pad)) for batch in step]

    def plain() -> None:
        for start in range(0, len(rows), 8):
            part: list[Any] = rows[start : start + 8]
            width = max(len(row.input_ids) for row in part)
            ids = torch.tensor([[*row.input_ids, *[pad] * (width - len(row.input_ids))] for row in part])
            labels = torch.tensor([[*row.labels, *[-100] * (width - len(row.labels))] for row in part])
            loaded.model(input_ids=ids, attention_mask=(ids != pad).long(), labels=labels).loss.backward()

    def ours() -> None:
        for batch in grouped:
            batch_loss(loaded.model, batch).backward()  # type: ignore[no-untyped-call]

    compare("loss and gradient of 64 rows, against padded batches", ours, plain)


def lora() -> None:
    """Compare training with the same rows, tokens, rank, modules, batch and learning rates, each side in a process.

    The trainer uses torch with its defaults, as our mode `fast` does. The difference between `fast` and the other
    modes is the price of identical bytes on other machines. Our numerics settings are not applied to the trainer's
    process. There, freed memory is not kept, which would make it faster too, and nothing is made deterministic, which
    would make it slower.
    """
    if not (_FOLDER / "trl").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(_FOLDER), TRL]
        subprocess.run(command, check=True)
    rounds = [{side: _child(side) for side in (*ENVIRONMENT, _TRAINER)} for _ in range(_ROUNDS)]
    for ours, theirs in [*((mode, _TRAINER) for mode in ENVIRONMENT), ("portable", "fast"), ("strict", "fast")]:
        ratios = sorted(told[theirs]["seconds"] / told[ours]["seconds"] for told in rounds)
        middle = ratios[len(ratios) // 2]
        title = f"LoRA on {_ROWS} rows, numerics {ours}, against {theirs}"
        print(f"{title:58} {middle:5.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    operations = _operations()
    for side, told in rounds[-1].items():
        speed = told["tokens"] / told["seconds"]
        name = f"{side} of {TRL}" if side == _TRAINER else side
        print(
            f"    {name}: {speed:,.0f} tokens of rows per second, {told['peak_bytes'] / 2**30:.2f} GiB at most, "
            f"validation loss {told['first_loss']:.4f} to {told['loss']:.4f}"
        )
        if side != _TRAINER:
            share = operations / told["seconds"] / told["matrix_peak"]
            print(f"    {side}: {share:.0%} of what a product of large matrices reaches in this mode, in products")


def _operations() -> int:
    """Return the number of multiplications and additions of the matrix products that our training needs.

    Attention, and what is computed twice, are not counted. Each adapted layer has its output, the gradient of its
    input, and four narrow products. The frozen output layer has the logits of the labels and the gradient of their
    states.
    """
    from codetune.models.load import load_model
    from codetune.training.data import RowLimits, load_rows
    from codetune.training.lora import add_adapter

    loaded = load_model(_BASE)
    rows = load_rows(_TRAIN, ORIGINALS, loaded.tokenizer, RowLimits(_ROWS, 320, seed=7)).rows
    batches = [batch for [batch] in _steps(rows, loaded.tokenizer)]
    options = load_section(TrainParams).lora
    model = add_adapter(loaded.model, options, 7)
    shapes = [layer.base_layer.weight.shape for layer in model.modules() if hasattr(layer, "lora_A")]
    of_position = sum(2 * (out * inner + options.rank * (out + inner)) for out, inner in shapes)
    of_label = 2 * model.get_output_embeddings().weight.numel()
    positions, labels = (
        sum(batch.input_ids.numel() for batch in batches), sum(len(batch.targets) for batch in batches)
    )  # fmt: skip
    return int(2 * (positions * of_position + labels * of_label))


def _steps(rows: list[Any], tokenizer: Any) -> list[Any]:
    from codetune.training.data import collate, training_steps

    return training_steps(rows, _BATCH, 1, 7, 0, partial(collate, pad_id=tokenizer.pad_token_id))


def _child(side: str) -> dict[str, float]:
    """Return the figures of one side: our training with some numerics, or the trainer.

    The numerics of this process are not passed on; they would make the trainer twice as slow.
    """
    environment = {key: value for key, value in os.environ.items() if key not in CONTROLLED}
    if side == _TRAINER:
        environment["PYTHONPATH"] = os.pathsep.join([str(_FOLDER.resolve()), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "benchmarks.tuning", side]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{found.stderr[-2000:]}")
    told: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return told


def _measured(side: str) -> dict[str, float]:
    """Train one side. Return seconds of the loop, tokens of the rows, and validation loss before and after."""
    import torch

    from benchmarks.timing import matrix_peak
    from codetune.models.load import load_model
    from codetune.training.data import RowLimits, load_rows, validation_batches
    from codetune.training.loop import validation_loss
    from codetune.training.lora import add_adapter

    loaded = load_model(_BASE)
    rows = load_rows(_TRAIN, ORIGINALS, loaded.tokenizer, RowLimits(_ROWS, 320, seed=7)).rows
    val_rows = load_rows(_VAL, ORIGINALS, loaded.tokenizer, RowLimits(_VAL_ROWS, 320, seed=7)).rows
    validation = validation_batches(val_rows, _BATCH, loaded.tokenizer.pad_token_id)
    model = add_adapter(loaded.model, load_section(TrainParams).lora, 7)
    first = validation_loss(model, validation)
    train: Callable[..., float] = _trl if side == _TRAINER else _ours
    with tempfile.TemporaryDirectory() as folder:
        seconds = train(model, loaded.tokenizer, rows, folder)
    return {
        "seconds": seconds, "tokens": sum(len(row.input_ids) for row in rows), "peak_bytes": _peak_bytes(),
        "first_loss": first, "loss": validation_loss(model, validation),
        "matrix_peak": matrix_peak(torch.float32, 2048),
    }  # fmt: skip


def _peak_bytes() -> int:
    """Return the peak memory of this process in bytes; `ru_maxrss` would include the peak of its parent."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def _ours(model: Any, tokenizer: Any, rows: list[Any], _folder: str) -> float:
    from codetune.training.data import validation_batches
    from codetune.training.loop import train

    wanted = {"learning_rate": _LEARNING_RATE, "batch_size": _BATCH, "accumulation": 1, "schedule": "linear"}
    wanted |= {"warmup_share": 0.0, "weight_decay": 0.0, "clip": 1.0, "evaluate_every": 10_000, "packing": False}
    options = load_section(TrainParams).model_copy(update=wanted)
    start = time.perf_counter()
    validation = validation_batches(rows[:1], 1, tokenizer.pad_token_id)
    train(model, _steps(rows, tokenizer), validation, options, lambda *_: None)
    return time.perf_counter() - start


def _trl(model: Any, tokenizer: Any, rows: list[Any], folder: str) -> float:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    # One default is changed besides the shared settings: bf16, with which the trainer does not start on a CPU.
    arguments = SFTConfig(
        output_dir=folder, per_device_train_batch_size=_BATCH, num_train_epochs=1, learning_rate=_LEARNING_RATE,
        lr_scheduler_type="linear", warmup_steps=0, weight_decay=0.0, max_grad_norm=1.0, bf16=False, use_cpu=True,
        save_strategy="no", report_to=[], disable_tqdm=True, seed=7,
    )  # fmt: skip
    shown = Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=shown, processing_class=tokenizer)
    start = time.perf_counter()
    trainer.train()
    return time.perf_counter() - start


if __name__ == "__main__":
    side = sys.argv[1]
    if side != _TRAINER:
        numerics.fix(numerics.NumericsParams.model_validate({"mode": side, "threads": 0}))
    sys.stdout.write(json.dumps(_measured(side)) + "\n")
