"""Train the tokenizer and the embedded base model from scratch (a frozen stage: run it with `make base`).

Reads: data/clean/corpus.parquet (source files of train packages only), params `pretrain`.
Writes: models/base/ — weights, tokenizer, provenance.json; reports/pretraining.json.
Guarantees: no file of a val or test package is read; a killed run goes on from its last checkpoint.
Does not: promise the same bytes on another machine: the weights are trained once and kept in git.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.config import load_section
from codetune.errors import UserError, run_as_command
from codetune.files import atomic_folder, digest_bytes, digest_file, dump_json, write_json
from codetune.pretraining.params import PretrainParams
from codetune.tables import read_table

_LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors")


@dataclass(frozen=True)
class Inputs:
    """What the stage reads."""

    corpus: Path = Path("data/clean/corpus.parquet")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes, and where it keeps its checkpoint."""

    base: Path = Path("models/base")
    checkpoint: Path = Path(".cache/pretraining/checkpoint.safetensors")


def _sample(files: list[dict[str, Any]], size: int) -> list[str]:
    """The first texts of `files` that make up about `size` bytes."""
    chosen: list[str] = []
    for file in files:
        if size <= 0:
            break
        chosen.append(file["text"])
        size -= len(file["text"].encode())
    return chosen


def run(params: PretrainParams, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The provenance, after model and tokenizer have been written."""
    from codetune.pretraining.corpus import arrange, sequences
    from codetune.pretraining.loop import build_model, pretrain
    from codetune.pretraining.tokenizer import save_tokenizer, train_tokenizer
    from codetune.prompt import CHAT_TEMPLATE

    corpus = arrange(read_table(inputs.corpus), params.seed, params.held_out_files)
    texts = _sample(corpus.training, params.tokenizer_mb << 20)
    tokenizer = train_tokenizer(iter(texts), params.vocab_size, params.context)
    training = sequences(tokenizer, corpus.training, params.sequence, params.tokens // params.sequence)
    held_out = sequences(tokenizer, corpus.held_out, params.sequence)
    if len(training) == 0 or len(held_out) == 0:
        raise UserError(f"{inputs.corpus} is too small to train on", "Add packages to data/packages.txt.")
    model = build_model(params, tokenizer.eos_token_id, tokenizer.pad_token_id)
    corpus_digest = digest_file(inputs.corpus)
    recipe = digest_bytes((dump_json(params.model_dump()) + corpus_digest).encode())
    losses = pretrain(model, training, held_out, params, outputs.checkpoint, recipe)
    held_out_bytes = len(tokenizer.decode(held_out[:, 1:].flatten().tolist()).encode())
    provenance = {
        "recipe": params.model_dump(),
        "corpus": {"sha256": corpus_digest, "files": len(corpus.training), "held_out_files": len(corpus.held_out)},
        "licenses": dict(sorted(Counter(file["license"] for file in corpus.training).items())),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "parameters": sum(value.numel() for value in model.parameters()),
        "tokens_seen": len(training) // (params.batch_tokens // params.sequence) * params.batch_tokens,
        "loss": {"training": round(losses.training, 4), "held_out": round(losses.held_out, 4)},
        "held_out_bits_per_byte": round(losses.held_out * held_out[:, 1:].numel() / (math.log(2) * held_out_bytes), 4),
        "held_out_bytes_per_token": round(held_out_bytes / held_out[:, 1:].numel(), 4),
        "curve": losses.curve,
    }
    with atomic_folder(outputs.base) as folder:
        model.save_pretrained(folder, safe_serialization=True)
        save_tokenizer(tokenizer, folder, CHAT_TEMPLATE)
        provenance["files"] = {file.name: digest_file(file) for file in sorted(folder.iterdir())}
        write_json(folder / "provenance.json", provenance)
    outputs.checkpoint.unlink(missing_ok=True)
    return provenance


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""

    def action() -> None:
        numerics.fix()
        run(load_section(PretrainParams), Inputs(), Outputs())

    run_as_command(action)


if __name__ == "__main__":
    main()
