"""Measure the embedded base model (a frozen stage: run it with `make base`, after `pretrain`).

Reads: models/base, data/clean/{corpus.parquet,val.jsonl,test.jsonl}, data/raw, params `assess`, `pretrain`, `numerics`.
Writes: reports/base/metrics.json, reports/base/functions.jsonl (what the model wrote), reports/base/card.md.
Guarantees: files and functions that the model was not trained on; the same bytes for the same model.
Does not: look at the tuned model (that is `score`), or run what was written.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codetune import numerics
from codetune.assessment.params import AssessParams
from codetune.config import load_section
from codetune.errors import UserError, run_as_command
from codetune.files import digest_file, read_json, stable_seed, write_json, write_jsonl, write_text
from codetune.pretraining.params import PretrainParams
from codetune.schemas.corpus import CORPUS
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.raw import RAW_FILES, RAW_ROWS
from codetune.schemas.reading import read_rows

if TYPE_CHECKING:
    from codetune.assessment.bodies import Asked
    from codetune.assessment.compressors import NgramModel
    from codetune.modeling.load import LoadedModel
    from codetune.pretraining.corpus import Corpus


@dataclass(frozen=True)
class Params:
    """The sections that the stage depends on."""

    assess: AssessParams
    pretrain: PretrainParams


@dataclass(frozen=True)
class Inputs:
    """What the stage reads."""

    base: Path = Path("models/base")
    clean: Path = Path("data/clean")
    raw: Path = Path("data/raw")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    reports: Path = Path("reports/base")


def _ngrams(loaded: LoadedModel, corpus: Corpus, params: PretrainParams) -> NgramModel:
    """5-grams of the tokens that the model was trained on, as often as it was shown them."""
    from codetune.assessment.compressors import NgramModel
    from codetune.pretraining.corpus import stream
    from codetune.pretraining.mixture import make_mixture

    mixture = make_mixture(
        corpus.training, params, lambda _name, texts, enough: stream(loaded.tokenizer, texts(), enough)
    )
    return NgramModel(mixture.shown(params).numpy(), params.vocab_size)


def _unseen_files(inputs: Inputs, params: AssessParams) -> list[dict[str, Any]]:
    """Files of val and test packages: all that hold a row of theirs, in an order drawn from the seed."""
    held_out = [inputs.clean / f"{split}.jsonl" for split in ("val", "test")]
    groups = {row["group"] for path in held_out for row in read_rows(path, ORIGINALS)}
    files = [file for file in read_rows(inputs.raw / "files.parquet", RAW_FILES) if file["group"] in groups]
    files.sort(key=lambda file: (stable_seed(params.seed, "unseen", file["sha256"]), file["path"]))
    return files[: params.unseen_files]


def _asked(inputs: Inputs, params: AssessParams) -> list[Asked]:
    """Heads of functions of the test packages, with the names that their files bind."""
    from codetune.assessment.bodies import Asked, head_of, top_level_names

    rows = list(read_rows(inputs.clean / "test.jsonl", ORIGINALS))
    rows.sort(key=lambda row: stable_seed(params.seed, "function", row["id"]))
    code = {row["id"]: row["code"] for row in read_rows(inputs.raw / "rows.parquet", RAW_ROWS, ["id", "code"])}
    heads = ((row, head_of(code[row["id"]])) for row in rows)
    chosen = [(row, head) for row, head in heads if head is not None][: params.functions]
    wanted = {(row["group"], row["path"]) for row, _ in chosen}
    files = read_rows(inputs.raw / "files.parquet", RAW_FILES, ["group", "path", "text"])
    known = {
        (file["group"], file["path"]): top_level_names(file["text"])
        for file in files
        if (file["group"], file["path"]) in wanted
    }
    return [Asked(row["id"], head, known.get((row["group"], row["path"]), frozenset())) for row, head in chosen]


def _require_same_corpus(provenance: dict[str, Any], corpus: Path) -> None:
    """Which files are held out follows from the corpus: out of another one, the base may have been trained on them.

    :raises UserError: when the base was trained on another corpus.
    """
    trained_on, found = provenance["corpus"]["sha256"], digest_file(corpus)
    if found != trained_on:
        raise UserError(
            f"{corpus} has sha256 {found}, but the base was trained on the one with {trained_on}: files held out of "
            "this one may have been trained on",
            "Train the base on it with `make base`, or check out the revision that the base was trained at.",
        )


def run(params: Params, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """The content of metrics.json, after everything has been written."""
    from codetune.assessment.card import base_card
    from codetune.assessment.measure import compare_bits, summarize, write_functions
    from codetune.modeling.load import load_model
    from codetune.pretraining.corpus import arrange

    provenance = read_json(inputs.base / "provenance.json")
    _require_same_corpus(provenance, inputs.clean / "corpus.parquet")
    loaded = load_model(inputs.base)
    corpus = arrange(
        list(read_rows(inputs.clean / "corpus.parquet", CORPUS)), params.pretrain.seed, params.pretrain.held_out_files
    )
    ngrams = _ngrams(loaded, corpus, params.pretrain)
    asked = _asked(inputs, params.assess)
    if not asked:
        raise UserError("no function of the test packages has a body below its docstring", "Add packages to ingest.")
    options = params.assess
    written = list(write_functions(loaded, asked, max_new_tokens=options.max_new_tokens, batch_size=options.batch_size))
    report = {
        "bits_per_byte": {
            "held_out": compare_bits(loaded, ngrams, [file["text"] for file in corpus.held_out]),
            "unseen": compare_bits(loaded, ngrams, [file["text"] for file in _unseen_files(inputs, options)]),
        },
        "functions": summarize(written),
    }
    samples = sorted(written, key=lambda one: stable_seed(options.seed, "sample", one.id))[: options.samples]
    write_json(outputs.reports / "metrics.json", report)
    write_jsonl(outputs.reports / "functions.jsonl", [asdict(one) for one in written])
    write_text(outputs.reports / "card.md", base_card(provenance, report, [one.source for one in samples]))
    return report


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""

    def action() -> None:
        numerics.fix()
        run(Params(load_section(AssessParams), load_section(PretrainParams)), Inputs(), Outputs())

    run_as_command(action)


if __name__ == "__main__":
    main()
