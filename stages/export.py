"""Merge the adapter into the base model, and write it as safetensors and GGUF, with the model card.

Reads: the base model, models/adapter, data/clean/val.jsonl (rows for the check), params.yaml, and for the card
reports/{metrics,signatures,data,augmentation}.json, reports/training/summary.json, models/base/provenance.json.
Writes: models/export/ (safetensors, tokenizer, README.md, and in gguf/ the adapter, the base it belongs to, and merged
models), reports/export.json (what the checks found, and which GGUF files were not written and why).
Guarantees: on validation rows, and on greedy answers to them, the merged logits equal those of base plus adapter, up to
rounding. The written weights are read back and compared. A GGUF file has the same token ids, chat template and end
tokens, and weights within the error of its number type. The card contains only facts from these files.
Does not: publish anything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.core.config import load_section, read_params
from codetune.core.errors import UserError
from codetune.core.files import atomic_folder, read_json, write_json, write_text
from codetune.export.gguf.description import general_metadata
from codetune.export.gguf.files import GgufSource, write_gguf_files
from codetune.export.merge import merge, save_merged
from codetune.export.ollama import ollama_prompt
from codetune.export.params import ExportParams
from codetune.models.answer_form import TaughtForm, format_completion, load_taught_form
from codetune.models.gguf.header import GgufFile, is_gguf, read_gguf
from codetune.models.gguf_writing.adapter import Lora, read_lora
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.load import LoadedModel, attach_adapter, load_model
from codetune.models.locate import locate_model, weight_files
from codetune.models.params import BASE_FOLDER, PROVENANCE, ModelParams
from codetune.models.prompt import example_ids, prompt_ids, shown_prompt
from codetune.reporting.model_card import CardFacts, model_card
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.reading import read_rows

CHECK_ROWS = 8
_OPTIONAL = ("metrics", "signatures", "data", "augmentation", "training", "provenance")


@dataclass(frozen=True)
class Params:
    """The parameters that the stage uses.

    :param everything: the whole content of params.yaml; the card shows parts of it.
    :param form: the form in which answers are taught.
    """

    export: ExportParams
    model: ModelParams
    everything: dict[str, Any]
    form: TaughtForm = "as_is"


@dataclass(frozen=True)
class Inputs:
    """The files that the stage reads, except the base model, which the parameters name."""

    adapter: Path = Path("models/adapter")
    val: Path = Path("data/clean/val.jsonl")
    metrics: Path = Path("reports/metrics.json")
    signatures: Path = Path("reports/signatures.json")
    data: Path = Path("reports/data.json")
    augmentation: Path = Path("reports/augmentation.json")
    training: Path = Path("reports/training/summary.json")
    provenance: Path = BASE_FOLDER / PROVENANCE


@dataclass(frozen=True)
class Outputs:
    """The files and folders that the stage writes."""

    export: Path = Path("models/export")
    report: Path = Path("reports/export.json")


def run(params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """Write the merged model, the GGUF files and the model card. Return the report."""
    base = load_model(params.model.base, revision=params.model.revision, system=params.model.system)
    rows = list(read_rows(inputs.val, ORIGINALS))[:CHECK_ROWS]
    if not rows:
        raise UserError(f"{inputs.val} has no row to check the merged model on", "Run `dvc repro clean`.")
    sequences = [
        example_ids(
            base.tokenizer, row["instruction"], format_completion(row["completion"], params.form), base.context
        ).input_ids
        for row in rows
    ]
    prompts = [prompt_ids(base.tokenizer, row["instruction"]) for row in rows]
    base, lora = _read_lora(base, inputs.adapter)
    merged, check, answers = merge(base, inputs.adapter, sequences, prompts)
    files = {name: _optional(getattr(inputs, name)) for name in _OPTIONAL}
    metadata = general_metadata(params.model.base, files["provenance"])
    texts = [text for row in rows for text in (row["instruction"], row["completion"])]
    source = GgufSource(merged, lora, _gguf_base(params.model), metadata, texts, answers)
    with atomic_folder(outputs.export) as folder:
        report = {"merge": asdict(check), "gguf": write_gguf_files(source, params.export.gguf, folder)}
        ollama = ollama_prompt(merged.tokenizer, merged.end_ids)
        facts = CardFacts(
            params.everything, check, shown_prompt(merged.tokenizer), gguf=report["gguf"], ollama=ollama, **files
        )
        save_merged(merged, folder, params.export.dtype)
        write_text(folder / "README.md", model_card(facts))
    write_json(outputs.report, report)
    return report


def _read_lora(base: LoadedModel, adapter: Path) -> tuple[LoadedModel, Lora | NotConvertibleError]:
    """Return the unchanged base model, and the adapter's matrices or the reason why GGUF cannot hold them."""
    tuned = attach_adapter(base.model, adapter)
    found: Lora | NotConvertibleError
    try:
        found = read_lora(tuned)
    except NotConvertibleError as error:
        found = error
    return replace(base, model=tuned.unload()), found


def _gguf_base(model: ModelParams) -> GgufFile | None:
    """Return the header of the base model if it came as a GGUF file."""
    path = weight_files(locate_model(model.base, model.revision))[0]
    return read_gguf(path) if is_gguf(path) else None


def _optional(path: Path) -> dict[str, Any] | None:
    """Return the content of a JSON file, or None if it does not exist."""
    return read_json(path) if path.is_file() else None


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    numerics.fixed()
    options, model = load_section(ExportParams), load_section(ModelParams)
    run(Params(options, model, read_params(), load_taught_form()), Inputs(), Outputs())
