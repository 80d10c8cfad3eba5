"""Tune the base model with LoRA on the augmented rows.

Reads: data/augmented/train.jsonl, data/clean/val.jsonl, the base model, params `train`, `model`, `numerics`.
Writes: models/adapter/ (adapter and tokenizer), reports/training/ (learning curve of DVCLive, summary.json).
Guarantees: the same seed gives the same adapter, byte for byte; the adapter is the one with the smallest validation
loss; labels cover exactly the completion and its end token; every row that is left out is counted; base untouched.
Does not: change the base model's weights, or merge the adapter into them (that is `export`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codetune import numerics
from codetune.config import load_section
from codetune.errors import run_as_command
from codetune.files import atomic_folder, write_json
from codetune.modeling.params import ModelParams
from codetune.numerics import NumericsParams
from codetune.schemas.instructions import AUGMENTED, ORIGINALS
from codetune.tuning.params import TrainParams

if TYPE_CHECKING:
    from codetune.tuning.data import Batch, TokenizedRows
    from codetune.tuning.loop import TrainResult


@dataclass(frozen=True)
class Params:
    """The sections that the stage depends on."""

    train: TrainParams
    model: ModelParams
    numerics: NumericsParams


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


def run(params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The content of reports/training/summary.json, after adapter and learning curve have been written."""
    from codetune.modeling.load import load_model
    from codetune.tuning.curve import learning_curve
    from codetune.tuning.data import load_rows, training_batches, validation_batches
    from codetune.tuning.loop import train
    from codetune.tuning.lora import add_adapter, save_adapter, trainable_report

    options = params.train
    base = load_model(params.model.base, revision=params.model.revision)
    drawn = {"tokenizer": base.tokenizer, "max_tokens": options.max_tokens, "seed": options.seed}
    rows = load_rows(inputs.train, AUGMENTED, max_rows=options.max_rows, **drawn)
    val_rows = load_rows(inputs.val, ORIGINALS, max_rows=options.max_val_rows, **drawn)
    pad, size = base.tokenizer.pad_token_id, options.batch_size
    epochs = [training_batches(rows.rows, size, options.seed, epoch, pad) for epoch in range(options.epochs)]
    model = add_adapter(base.model, options.lora, options.seed)
    with atomic_folder(outputs.training) as report_folder, atomic_folder(outputs.adapter) as adapter_folder:
        with learning_curve(report_folder) as log:
            result = train(model, epochs, validation_batches(val_rows.rows, size, pad), options, log)
        save_adapter(model, adapter_folder, params.model.base, params.model.revision)
        base.tokenizer.save_pretrained(adapter_folder)
        summary = _summary(rows, val_rows, epochs, result) | {
            "trainable": trainable_report(model),
            "numerics": numerics.digest_settings(params.numerics),
        }
        write_json(report_folder / "summary.json", summary)
    return summary


def _summary(
    rows: TokenizedRows, val_rows: TokenizedRows, epochs: list[list[Batch]], result: TrainResult
) -> dict[str, Any]:
    """What was trained on, and how the validation loss went."""
    from codetune.tuning.data import padded_share

    evaluations = [
        asdict(evaluation) | {"val_loss": round(evaluation.val_loss, 6)} for evaluation in result.evaluations
    ]
    best = evaluations[result.evaluations.index(result.best)]
    return {
        "rows": len(rows.rows),
        "tokens": rows.tokens,
        "truncated": 0,
        "dropped": rows.dropped,
        "padded_share": round(padded_share([batch for batches in epochs for batch in batches]), 4),
        "val_rows": len(val_rows.rows),
        "val_dropped": val_rows.dropped,
        "steps": result.steps,
        "epochs": len(epochs),
        "first_val_loss": evaluations[0]["val_loss"],
        "best": best,
        "evaluations": evaluations,
    }


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""

    def action() -> None:
        params = Params(load_section(TrainParams), load_section(ModelParams), numerics.fix())
        run(params, Inputs(), Outputs())

    run_as_command(action)


if __name__ == "__main__":
    main()
