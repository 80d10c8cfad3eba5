"""Tune the base model with LoRA on the augmented rows.

Reads: data/augmented/train.jsonl, data/clean/val.jsonl, the base model, params `train`, `model`, `numerics` and
`clean.task`.
Writes: models/adapter/ (adapter and tokenizer), reports/training/ (learning curve of DVCLive, summary.json).
Guarantees: the same seed gives the same adapter, byte for byte. The adapter is the one with the lowest validation loss.
Labels cover exactly the completion, in the form set by `train.answer_form`, and its end token. Every row that is left
out is counted. The base model is unchanged. A killed run continues from its last checkpoint in .cache/training, and
gives the same bytes.
Does not: change the weights of the base model, or merge the adapter into them (`export` does that).
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.files import atomic_folder, write_json
from codetune.core.fingerprint import Fingerprint, fingerprint
from codetune.models.answer_form import Task, TaughtForm, load_task, taught_form
from codetune.models.device import require_device
from codetune.models.load import load_model
from codetune.models.locate import locate_model, model_files
from codetune.models.params import ModelParams
from codetune.models.prompt import shown_prompt
from codetune.numerics import NumericsParams
from codetune.schemas.instructions import AUGMENTED, ORIGINALS
from codetune.training.base_check import check_base
from codetune.training.checkpoint import Checkpoints
from codetune.training.curve import learning_curve
from codetune.training.data import (
    RowLimits,
    Step,
    TokenizedRows,
    collate,
    load_rows,
    pack,
    padded_share,
    training_steps,
    validation_batches,
)
from codetune.training.loop import train
from codetune.training.lora import add_adapter, save_adapter, trainable_report, weights_without_adapter
from codetune.training.params import TrainParams
from codetune.training.precision import choose_precision
from codetune.training.progress import Progress
from codetune.training.sharding import shard
from codetune.training.world import World, join


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses.

    :param task: what the answers are, as set in `clean.task`.
    """

    train: TrainParams
    model: ModelParams
    numerics: NumericsParams
    task: Task = "python"

    @property
    def form(self) -> TaughtForm:
        """Return the form in which answers are taught."""
        return taught_form(self.task, self.train.answer_form)


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads, except the base model, which the parameters name."""

    train: Path = Path("data/augmented/train.jsonl")
    val: Path = Path("data/clean/val.jsonl")


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    adapter: Path = Path("models/adapter")
    training: Path = Path("reports/training")
    checkpoints: Path = Path(".cache/training")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """Train, and write adapter and learning curve.

    With several processes (`torchrun -m stages train`), only the main process writes.

    :returns: the content of reports/training/summary.json; empty in the other processes.
    """
    world = join(require_device(params.train.device, "train.device"))
    params = _with_precision(params, world)
    options = params.train
    load = partial(load_model, params.model.base, revision=params.model.revision, system=params.model.system)
    base = load()
    base.require_context(options.max_tokens)
    limits = RowLimits(options.max_rows, options.max_tokens, options.seed, options.too_long, options.weights)
    rows = load_rows(inputs.train, AUGMENTED, base.tokenizer, limits, params.form)
    val_rows = load_rows(
        inputs.val,
        ORIGINALS,
        base.tokenizer,
        replace(limits, max_rows=options.max_val_rows, weights={}),
        params.form,
    )
    if world.main:
        check_base(base, rows.rows, options, "cpu" if world.sharded else world.device)
        del base  # memory may be too small for two models
        base = load()
    pad, size = base.tokenizer.pad_token_id, options.batch_size
    collate_fn = pack if options.packing else partial(collate, pad_id=pad)
    steps = [
        step
        for epoch in range(options.epochs)
        for step in training_steps(rows.rows, size, options.accumulation * world.size, options.seed, epoch, collate_fn)
    ][: options.max_steps or None]
    beside = {
        reason: len(names) for reason, names in weights_without_adapter(base.model, options.lora.target_modules).items()
    }
    model = add_adapter(base.model, options.lora, options.seed).to(world.device)
    shard(model, world)
    facts = _fingerprint(params, inputs, world, base.dtype).facts
    checkpoints = Checkpoints(outputs.checkpoints, facts, options.checkpoint_every)
    validation = validation_batches(val_rows.rows, size, pad)
    if not world.main:
        train(model, steps, validation, options, lambda *_: None, checkpoints, world)
        return {}
    with atomic_folder(outputs.training) as report_folder, atomic_folder(outputs.adapter) as adapter_folder:
        with learning_curve(report_folder) as log:
            result = train(model, steps, validation, options, log, checkpoints, world)
        save_adapter(model, adapter_folder, params.model.base, params.model.revision)
        base.tokenizer.save_pretrained(adapter_folder)
        summary = _summary(rows, val_rows, steps, result) | {
            "base_dtype": base.dtype,
            "trainable": trainable_report(model) | beside,
            "prompt": shown_prompt(base.tokenizer),
            "precision": options.precision,
            "numerics": params.numerics.mode,
            "answer_form": params.form,
        }
        write_json(report_folder / "summary.json", summary)
    checkpoints.clear()
    return summary


def _with_precision(params: Params, world: World) -> Params:
    """Return the parameters with `auto` replaced by the precision used here, the same in all processes."""
    precision, reason = choose_precision(params.train.precision, params.numerics.mode, world.device)
    if world.size > 1:
        precision = "bfloat16" if world.total(float(precision == "bfloat16")) == world.size else "float32"
    if world.main:
        sys.stderr.write(f"training: precision {precision}, {reason}\n")
    return replace(params, train=params.train.model_copy(update={"precision": precision}))


def _fingerprint(params: Params, inputs: Inputs, world: World, base_dtype: str) -> Fingerprint:
    """Return the fingerprint of everything that determines the bytes of the adapter.

    A checkpoint is used only if its fingerprint is the same.
    """
    base = locate_model(params.model.base, params.model.revision)
    settings = params.train.model_dump(exclude={"checkpoint_every"})
    lora = settings.pop("lora")
    return fingerprint(
        __name__,
        parameters={
            **{f"train.{key}": value for key, value in settings.items()},
            **{f"train.lora.{key}": value for key, value in lora.items()},
            "model.system": params.model.system,
            "clean.task": params.task,
            "number of processes": world.size,
            "type of the weights": base_dtype,
        },
        inputs={str(path): path for path in (inputs.train, inputs.val, *model_files(base))},
        numerics=params.numerics,
    )


def _summary(rows: TokenizedRows, val_rows: TokenizedRows, steps: list[Step], result: Progress) -> dict[str, Any]:
    """Return what the model was trained on, and the validation losses."""
    evaluations = [
        asdict(evaluation) | {"val_loss": round(evaluation.val_loss, 6)} for evaluation in result.evaluations
    ]
    best = evaluations[result.evaluations.index(result.best)]
    shown = [batch for step in steps[: result.step] for batch in step]
    return {
        "rows": len(rows.rows),
        "tokens": rows.tokens,
        "labels": rows.labels,
        "truncated": rows.truncated,
        "end_token_lost": rows.truncated,
        "dropped": rows.dropped,
        "sources": rows.sources,
        "padded_share": round(padded_share(shown), 4),
        "val_rows": len(val_rows.rows),
        "val_tokens": val_rows.tokens,
        "val_labels": val_rows.labels,
        "val_truncated": val_rows.truncated,
        "val_dropped": val_rows.dropped,
        "steps": result.step,
        "stopped_early": result.step < result.steps,
        "rows_seen": sum(len(batch.row_ids) for batch in shown),
        "tokens_seen": sum(batch.tokens for batch in shown),
        "first_val_loss": evaluations[0]["val_loss"],
        "best": best,
        "evaluations": evaluations,
    }


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    params = Params(load_section(TrainParams), load_section(ModelParams), numerics.fixed(), load_task())
    run(params, Inputs(), Outputs())
