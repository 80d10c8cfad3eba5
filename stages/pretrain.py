"""Train the tokenizer and the embedded base model from scratch (a frozen stage: run it with `make base`).

Reads: data/clean/corpus.parquet (source files of train packages only), params `pretrain`.
Writes: models/base/ — weights, tokenizer, provenance.json; reports/pretraining.json.
Guarantees: no file of a val or test package is read; a killed run goes on from its last checkpoint.
Does not: promise the same bytes on another machine: the weights are trained once and kept in git. So the numerics are
fast here, and products are computed in bfloat16 where the processor has instructions for it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codetune import numerics
from codetune.config import load_section
from codetune.errors import UserError, run_as_command
from codetune.files import atomic_folder, digest_bytes, digest_file, dump_json, write_json
from codetune.numerics import Mode, NumericsParams
from codetune.pretraining.params import PretrainParams
from codetune.schemas.corpus import CORPUS
from codetune.schemas.reading import read_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from codetune.pretraining.loop import Checkpoints
    from codetune.pretraining.mixture import Mixture

_WATCHED_FILES = 16  # of the held-out ones, while the run goes on; all of them take a minute
_DECAY = {"tokens", "decay_share", "decay_function_share", "decay_loop_share"}
_LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors")


@dataclass(frozen=True)
class Inputs:
    """What the stage reads."""

    corpus: Path = Path("data/clean/corpus.parquet")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes, and where it keeps its checkpoints."""

    base: Path = Path("models/base")
    checkpoints: Path = Path(".cache/pretraining")


def _sample(files: list[dict[str, Any]], size: int) -> list[str]:
    """The first texts of `files` that make up about `size` bytes."""
    chosen: list[str] = []
    for file in files:
        if size <= 0:
            break
        chosen.append(file["text"])
        size -= len(file["text"].encode())
    return chosen


def _revision() -> str:
    """The commit that the code is of, marked where it was changed since; empty outside a git checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _checkpoints(params: PretrainParams, corpus_digest: str, folder: Path) -> Checkpoints:
    """Where the run leaves its state, under a name for all that decides it."""
    from codetune.pretraining.loop import Checkpoints

    recipe = params.model_dump(exclude={"checkpoint_every", "evaluate_every"})
    steady = {key: value for key, value in recipe.items() if key not in _DECAY}

    def digest(settings: dict[str, Any]) -> str:
        return digest_bytes((dump_json(settings) + corpus_digest).encode())

    return Checkpoints(folder, digest(steady), digest(recipe))


def _mixture(
    tokenizer: PreTrainedTokenizerFast, files: list[dict[str, Any]], params: PretrainParams, checkpoints: Checkpoints
) -> Mixture:
    """What the run is shown; its streams are kept beside the checkpoints: making them takes minutes."""
    from codetune.pretraining.corpus import Stream, stream
    from codetune.pretraining.mixture import make_mixture

    def kept(name: str, texts: Callable[[], list[str]], enough: int) -> Stream:
        path = checkpoints.folder / f"{name}-{checkpoints.steady_recipe}.safetensors"
        if path.exists():
            found = Stream.load(path)
            if len(found.ids) >= enough:
                return found
        made = stream(tokenizer, texts(), enough)
        made.save(path)
        return made

    return make_mixture(files, params, kept)


def run(params: PretrainParams, inputs: Inputs, outputs: Outputs, mode: Mode = "strict") -> dict[str, Any]:
    """The provenance, after model and tokenizer have been written.

    :param mode: that of the numerics; decides the precision on some processors.
    """
    from codetune.pretraining.corpus import arrange, by_license
    from codetune.pretraining.device import choose_device
    from codetune.pretraining.evaluation import bits_per_byte
    from codetune.pretraining.loop import pretrain
    from codetune.pretraining.model import build_model
    from codetune.pretraining.tokenizer import save_tokenizer, train_tokenizer
    from codetune.prompt import CHAT_TEMPLATE

    revision, device = _revision(), choose_device(mode)
    print(f"pretraining on {device.description()}", flush=True)  # noqa: T201
    corpus = arrange(list(read_rows(inputs.corpus, CORPUS)), params.seed, params.held_out_files)
    if not corpus.training or params.steps == 0:
        raise UserError(f"{inputs.corpus} is too small to train on", "Add packages to data/packages.txt.")
    texts = _sample(corpus.training, params.tokenizer_mb << 20)
    tokenizer = train_tokenizer(iter(texts), params.vocab_size, params.context)
    corpus_digest = digest_file(inputs.corpus)
    checkpoints = _checkpoints(params, corpus_digest, outputs.checkpoints)
    mixture = _mixture(tokenizer, corpus.training, params, checkpoints)
    model = build_model(params, tokenizer.eos_token_id, tokenizer.pad_token_id)
    watched = [file["text"] for file in corpus.held_out[:_WATCHED_FILES]]
    reached = pretrain(
        model, mixture, params, checkpoints,
        lambda model: bits_per_byte(model, tokenizer, watched, params.context)[0],
        device,
    )  # fmt: skip
    held_out, density = bits_per_byte(model, tokenizer, [file["text"] for file in corpus.held_out], params.context)
    licenses = by_license(tokenizer, corpus.training)
    provenance = {
        "recipe": params.model_dump(),
        "corpus": {
            "sha256": corpus_digest, "files": len(corpus.training), "held_out_files": len(corpus.held_out),
            "tokens": sum(count["tokens"] for count in licenses.values()), "licenses": licenses,
        },
        "packages": sorted({file["group"] for file in corpus.training}),
        "licenses": {name: count["files"] for name, count in licenses.items()},
        "revision": revision,
        "libraries": {name: version(name) for name in _LIBRARIES},
        "parameters": sum(value.numel() for value in model.parameters()),
        "tokens_seen": params.steps * params.batch_tokens,
        "held_out_bits_per_byte": round(held_out, 4),
        "held_out_bytes_per_token": round(density, 4),
        "seconds": round(reached.seconds),
        "hardware": device.description(),
        "training_loss": reached.curve,
        "validation_bits_per_byte": reached.validation,
    }  # fmt: skip
    with atomic_folder(outputs.base) as folder:
        model.save_pretrained(folder, safe_serialization=True)
        save_tokenizer(tokenizer, folder, CHAT_TEMPLATE)
        provenance["files"] = {file.name: digest_file(file) for file in sorted(folder.iterdir())}
        write_json(folder / "provenance.json", provenance)
    return provenance


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""

    def action() -> None:
        # Whatever params.yaml asks of the other stages: no one is promised the same bytes of this one.
        fixed = numerics.fix(load_section(NumericsParams).model_copy(update={"mode": "fast"}))
        run(load_section(PretrainParams), Inputs(), Outputs(), fixed.mode)

    run_as_command(action)


if __name__ == "__main__":
    main()
