"""Checks of params.yaml that need more than one section, or the disk.

They find values that contradict each other, and files and folders that do not exist. No model is loaded and nothing is
downloaded: sizes are read from the configuration of a model on the disk, and a hub id is assumed to exist.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from codetune.core.config import Section
from codetune.core.errors import UserError
from codetune.core.files import read_json
from codetune.core.paths import project_path
from codetune.data.augment.params import AugmentParams, LanguageModelParams
from codetune.data.clean.params import CleanParams
from codetune.data.ingest.params import HubSource, IngestParams, PackagesSource, Source, StdlibSource
from codetune.data.leakage.params import ExamineParams
from codetune.evaluation.metrics.params import ScoreParams
from codetune.evaluation.parity.params import ParityParams
from codetune.evaluation.problems.benchmarks import HUMANEVAL, set_name
from codetune.evaluation.problems.params import BenchmarksParams
from codetune.evaluation.validity.params import AnswerValidityParams
from codetune.generation.params import GenerateParams
from codetune.models.catalogue import CATALOGUE
from codetune.models.encoders.locate import MINILM, minilm_folder
from codetune.models.encoders.params import EncoderParams
from codetune.models.gguf.header import is_gguf, read_gguf
from codetune.models.locate import fetched_base_folder
from codetune.models.params import ModelParams
from codetune.training.params import TrainParams

Problems = Iterator[str]
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
# Names that model families use in config.json for the number of positions. codetune.models.load has the same list, but
# importing it would import torch.
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")


def inconsistencies(sections: Mapping[type[Section], Any]) -> list[str]:
    """Return every problem between sections, and every problem of a section with the disk.

    A check runs only if all sections that it needs are given.

    :param sections: the sections that are valid on their own, by their class.
    :returns: one clause per problem.
    """
    return [
        problem
        for check, needed in _CHECKS
        if all(section in sections for section in needed)
        for problem in check(*(sections[section] for section in needed))
    ]


def _sources(ingest: IngestParams) -> Problems:
    for source in ingest.sources:
        problem = _source_problem(source)
        if problem:
            yield f"ingest.sources, {source.name}: {problem}"


def _source_problem(source: Source) -> str:
    """Return what is wrong with the path of a source; empty if nothing is wrong."""
    if isinstance(source, StdlibSource):
        return ""
    if isinstance(source, HubSource):
        return "" if project_path(source.path).is_dir() else _hub_problem("path", source.path, source.revision)
    name = source.file if isinstance(source, PackagesSource) else source.path
    place, folder = project_path(name), source.type == "folder"
    if not place.exists():
        return f"{name} does not exist (paths are relative to the project folder)"
    if folder != place.is_dir():
        return f"{name} is not a {'folder' if folder else 'file'}"
    return ""


def _hub_problem(key: str, name: str, revision: str | None) -> str:
    """Return why a name that is not a local folder cannot be loaded from the hub; empty if it may exist there."""
    if not _HUB_ID.fullmatch(name):
        return f"{key}: {name} does not exist here and is not a hub id"
    return "" if revision else f"{key}: there is no folder {name}, and a hub id needs a commit as `revision`"


def _benchmark_sets(benchmarks: BenchmarksParams) -> Problems:
    yield from _files("benchmarks.sets", [name for name in benchmarks.sets if name != HUMANEVAL])
    for name, count in Counter(map(set_name, benchmarks.sets)).items():
        if count > 1:
            yield f"benchmarks.sets: {count} sets have the same name, {name}"


def _clean_benchmarks(clean: CleanParams) -> Problems:
    return _files("clean.benchmarks", clean.benchmarks)


def _files(key: str, names: Iterable[str]) -> Problems:
    return (f"{key}: {name} is not a file" for name in names if not project_path(name).is_file())


def _weights(ingest: IngestParams, train: TrainParams) -> Problems:
    known = [source.name for source in ingest.sources]
    for name in train.weights:
        if name not in known:
            yield f"train.weights: there is no source {name!r} (ingest.sources has {', '.join(known)})"


def _model(
    model: ModelParams,
    train: TrainParams,
    generate: GenerateParams,
    answers: AnswerValidityParams,
    parity: ParityParams,
) -> Problems:
    place = project_path(model.base)
    if not place.exists():
        if model.base in CATALOGUE:
            place = _fetched(model.base)
        elif problem := _hub_problem("model.base", model.base, model.revision):
            yield f"{problem} (names of known models: {', '.join(CATALOGUE)})"
    positions = configured_size(place, _POSITIONS)
    if positions is None:
        return
    if train.max_tokens > positions:
        yield f"train.max_tokens: found {train.max_tokens}, expected at most {positions}, the context of {model.base}"
    asked = {
        "generate": generate.max_new_tokens, "answer_validity": answers.max_new_tokens, "parity": parity.max_new_tokens
    }  # fmt: skip
    for key, tokens in asked.items():
        if tokens >= positions:
            yield f"{key}.max_new_tokens: found {tokens}, expected less than {positions}, the context of {model.base}"


def _fetched(name: str) -> Path:
    """Return the folder of a model of the catalogue; a path that does not exist if it is not downloaded yet."""
    try:
        return fetched_base_folder(name)
    except UserError:
        return Path(name)


def _encoders(augment: AugmentParams, examine: ExamineParams, score: ScoreParams) -> Problems:
    meaning, similarity = augment.meaning, examine.similarity
    for key, encoder, tokens in (
        ("augment.meaning", meaning.encoder, meaning.max_tokens),
        ("examine.similarity", similarity.encoder, similarity.max_tokens),
    ):
        yield from _encoder(f"{key}.encoder", encoder)
        positions = configured_size(_encoder_place(encoder), _POSITIONS)
        if positions is not None and tokens > positions:
            yield f"{key}.max_tokens: found {tokens}, expected at most {positions}, the context of {encoder.model}"
    yield from _encoder("score.bertscore", score.bertscore)
    layers = configured_size(_encoder_place(score.bertscore), _LAYERS)
    if layers is not None and score.bertscore.layer > layers:
        found = score.bertscore.layer
        yield f"score.bertscore.layer: found {found}, expected at most {layers}, the layers of {score.bertscore.model}"


def _encoder_place(encoder: EncoderParams) -> Path:
    return minilm_folder() if encoder.model == MINILM else project_path(encoder.model)


def _encoder(key: str, encoder: EncoderParams) -> Problems:
    if encoder.model != MINILM and not project_path(encoder.model).is_dir():
        problem = _hub_problem(f"{key}.model", encoder.model, encoder.revision)
        if problem:
            yield problem


def _paraphrasers(augment: AugmentParams) -> Problems:
    used: dict[str, dict[str, LanguageModelParams]] = {
        "contextual": {"contextual": augment.contextual},
        "back_translation": {
            "back_translation.forward": augment.back_translation.forward,
            "back_translation.back": augment.back_translation.back,
        },
        "model": {"chat": augment.chat},
        "code_to_instruction": {"chat": augment.chat},
    }
    for key, params in used.get(augment.method, {}).items():
        name = str(params.model)
        if not project_path(name).exists() and not (key == "chat" and name in CATALOGUE):
            problem = _hub_problem(f"augment.{key}.model", name, params.revision)
            if problem:
                yield problem


def configured_size(place: Path, names: tuple[str, ...]) -> int | None:
    """Return a size from the configuration of a model, such as the number of positions.

    :param place: a model folder or a GGUF file; it need not exist.
    :param names: the keys that model families use for this size; the first one that is found counts.
    :returns: the size; None if the model or the key does not exist.
    """
    if not place.exists():
        return None
    if is_gguf(place):
        found = read_gguf(place).get("context_length") if names is _POSITIONS else None
        return int(found) if found else None
    file = place / "config.json"
    if not file.is_file():
        return None
    config = read_json(file)
    parts = [config, config.get("text_config")] if isinstance(config, dict) else []
    sizes = [part[name] for part in parts if isinstance(part, dict) for name in names if name in part]
    return next((size for size in sizes if isinstance(size, int) and size > 0), None)


_CHECKS: tuple[tuple[Callable[..., Problems], tuple[type[Section], ...]], ...] = (
    (_sources, (IngestParams,)),
    (_benchmark_sets, (BenchmarksParams,)),
    (_clean_benchmarks, (CleanParams,)),
    (_weights, (IngestParams, TrainParams)),
    (_model, (ModelParams, TrainParams, GenerateParams, AnswerValidityParams, ParityParams)),
    (_encoders, (AugmentParams, ExamineParams, ScoreParams)),
    (_paraphrasers, (AugmentParams,)),
)
