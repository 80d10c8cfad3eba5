"""Tune the base model with LoRA on the augmented rows.

Reads: data/augmented/train.jsonl, data/clean/val.jsonl, the base model, params `train`, `model`, `numerics` and
`clean.task`.
Writes: models/adapter/ (adapter and tokenizer), reports/training/ (learning curve of DVCLive, summary.json).
Guarantees: the same seed gives the same adapter, byte for byte; the adapter is the one with the smallest validation
loss; labels cover exactly the completion, written as `train.answer_form` says, and its end token; every row that is
left out is counted; base untouched; a killed run goes on from its last checkpoint in .cache/training, and ends in the
same bytes.
Does not: change the base model's weights, or merge the adapter into them (that is `export`).
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.errors import run_as_command
from codetune.core.files import atomic_folder, digest_bytes, digest_file, write_json
from codetune.models.answer_form import Task, TaughtForm, load_task, taught_form
from codetune.models.params import ModelParams
from codetune.numerics import NumericsParams
from codetune.schemas.instructions import AUGMENTED, ORIGINALS
from codetune.training.params import TrainParams

if TYPE_CHECKING:
    from codetune.training.checkpoint import Identity
    from codetune.training.data import Step, TokenizedRows
    from codetune.training.progress import Progress
    from codetune.training.world import World


@dataclass(frozen=True)
class Params:
    """What the stage depends on.

    :param task: what answers are, as `clean` was told.
    """

    train: TrainParams
    model: ModelParams
    numerics: NumericsParams
    task: Task = "python"

    @property
    def form(self) -> TaughtForm:
        """How answers are taught."""
        return taught_form(self.task, self.train.answer_form)


@dataclass(frozen=True)
class Inputs:
    """What the stage reads, the base model apart, which the parameters name."""

    train: Path = Path("data/augmented/train.jsonl")
    val: Path = Path("data/clean/val.jsonl")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    adapter: Path = Path("models/adapter")
    training: Path = Path("reports/training")
    checkpoints: Path = Path(".cache/training")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The content of reports/training/summary.json, after adapter and learning curve have been written.

    Of several processes (`torchrun -m stages.train`) the first one writes; what the others return is empty.
    """
    from codetune.models.device import require_device
    from codetune.models.load import load_model
    from codetune.models.prompt import shown_prompt
    from codetune.training.checkpoint import Checkpoints
    from codetune.training.curve import learning_curve
    from codetune.training.data import RowLimits, collate, load_rows, pack, training_steps, validation_batches
    from codetune.training.loop import train
    from codetune.training.lora import add_adapter, save_adapter, trainable_report
    from codetune.training.sharding import shard
    from codetune.training.world import join

    world = join(require_device(params.train.device, "train.device"))
    params = _with_precision(params, world)
    options = params.train
    base = load_model(params.model.base, revision=params.model.revision, system=params.model.system)
    limits = RowLimits(options.max_rows, options.max_tokens, options.seed, options.too_long, options.weights)
    rows = load_rows(inputs.train, AUGMENTED, base.tokenizer, limits, params.form)
    val_rows = load_rows(
        inputs.val,
        ORIGINALS,
        base.tokenizer,
        replace(limits, max_rows=options.max_val_rows, weights={}),
        params.form,
    )
    pad, size = base.tokenizer.pad_token_id, options.batch_size
    lay_out = pack if options.packing else partial(collate, pad_id=pad)
    steps = [
        step
        for epoch in range(options.epochs)
        for step in training_steps(rows.rows, size, options.accumulation * world.size, options.seed, epoch, lay_out)
    ][: options.max_steps or None]
    model = add_adapter(base.model, options.lora, options.seed).to(world.device)
    shard(model, world)
    identity = _identity(params, inputs) | {"number of processes": str(world.size), "type of the weights": base.dtype}
    checkpoints = Checkpoints(outputs.checkpoints, identity, options.checkpoint_every)
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
            "trainable": trainable_report(model),
            "prompt": shown_prompt(base.tokenizer),
            "precision": options.precision,
            "numerics": params.numerics.mode,
            "answer_form": params.form,
        }
        write_json(report_folder / "summary.json", summary)
    checkpoints.clear()
    return summary


def _with_precision(params: Params, world: World) -> Params:
    """The parameters with the precision that `auto` stands for here: all processes take the same."""
    from codetune.training.precision import chosen_precision

    precision, reason = chosen_precision(params.train.precision, params.numerics.mode, world.device)
    if world.size > 1:
        precision = "bfloat16" if world.total(float(precision == "bfloat16")) == world.size else "float32"
    if world.main:
        sys.stderr.write(f"training: precision {precision}, {reason}\n")
    return replace(params, train=params.train.model_copy(update={"precision": precision}))


def _identity(params: Params, inputs: Inputs) -> Identity:
    """All that decides the bytes of the adapter, by the names that a person knows: what a checkpoint is one of."""
    from codetune.models.locate import locate_model, model_files

    base = locate_model(params.model.base, params.model.revision)
    settings = params.train.model_dump(exclude={"checkpoint_every"})
    lora = settings.pop("lora")
    files = [inputs.train, inputs.val, *model_files(base)]
    code = sorted((Path(__file__).parent.parent / "codetune").rglob("*.py"))
    return {
        **{f"train.{key}": str(value) for key, value in settings.items()},
        **{f"train.lora.{key}": str(value) for key, value in lora.items()},
        "model.system": params.model.system,
        "clean.task": params.task,
        "numerics": params.numerics.mode,
        **{str(path): digest_file(path) for path in files},
        "code": digest_bytes("".join(map(digest_file, code)).encode()),
        "versions": str({name: version(name) for name in ("torch", "transformers", "peft")}),
    }


def _summary(rows: TokenizedRows, val_rows: TokenizedRows, steps: list[Step], result: Progress) -> dict[str, Any]:
    """What was trained on, and how the validation loss went."""
    from codetune.training.data import padded_share

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
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    params = Params(load_section(TrainParams), load_section(ModelParams), numerics.fix(), load_task())
    run(params, Inputs(), Outputs())


if __name__ == "__main__":
    run_as_command(main)
