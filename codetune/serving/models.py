"""The models that the server answers with: `base`, `tuned`, and `tuned@REVISION` for other revisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import digest_file
from codetune.core.workers import cores
from codetune.generation.engines.choose import open_engine
from codetune.generation.engines.engine import Engine, EngineLimits, EngineModels
from codetune.history.listing import WORKSPACE, require_revision
from codetune.history.models import ModelFiles, model_files
from codetune.history.reports import Variant
from codetune.history.repository import Repository
from codetune.models.locate import locate_model, weight_files
from codetune.serving.params import ServeParams

ADAPTERS = Path(".cache/adapters-gguf")
_BESIDE = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")
BASE: Variant = "base"
TUNED: Variant = "tuned"


@dataclass(frozen=True)
class ServedModel:
    """A model that is ready to answer.

    :param name: its name in the engine, which is also the name that clients use.
    :param engine: the engine that has loaded it.
    :param created: when its weights were last written, in seconds since 1970.
    """

    name: str
    engine: Engine
    created: int


def find_model(root: Path, name: str) -> ModelFiles:
    """Find the files of a model by the name that clients use.

    :param root: the folder of the project.
    :raises UserError: when there is no such model, or it is not in this clone.
    """
    repository, (role, at, revision) = Repository(root), name.partition("@")
    if name == BASE:
        return model_files(repository, WORKSPACE, BASE)
    if role != TUNED or (at and not revision):
        raise UserError(f"there is no model {name!r}", f"Use {BASE}, {TUNED} or {TUNED}@REVISION.")
    return model_files(repository, require_revision(repository, revision) if at else WORKSPACE, TUNED)


def find_models(root: Path, revisions: Sequence[str]) -> tuple[dict[str, ModelFiles], list[str]]:
    """Find the files of the models to serve.

    :param root: the folder of the project.
    :param revisions: revisions whose tuned models are wanted too.
    :returns: the files by the name of the model; and a line for `tuned` if the workspace has no adapter yet.
    :raises UserError: when the base model, or the model of a revision, is not in this clone.
    """
    found: dict[str, ModelFiles] = {BASE: find_model(root, BASE)}
    missing: list[str] = []
    try:
        found[TUNED] = find_model(root, TUNED)
    except UserError as error:
        missing.append(str(error))
    for revision in dict.fromkeys(revisions):
        found[f"{TUNED}@{revision}"] = find_model(root, f"{TUNED}@{revision}")
    return found, missing


def open_models(
    files: Mapping[str, ModelFiles], params: ServeParams, root: Path, threads: int, *, shorten: bool = False
) -> tuple[dict[str, ServedModel], list[str], ExitStack]:
    """Load the models. Those with the same base are in one engine, so that the base is in memory once.

    :param files: the files by the name of the model.
    :param threads: number of threads of an engine; 0: all cores.
    :param shorten: whether a model with a shorter context than `serve.context` is used with its own one, instead of
        refused.
    :returns: the models; lines for the user, such as why an engine was not used; and what must be closed at the end.
    :raises UserError: when a model cannot be loaded.
    """
    limits = engine_limits(params, root, threads, shorten=shorten)
    opened: dict[str, ServedModel] = {}
    notes: list[str] = []
    closing = ExitStack()
    try:
        for group in group_by_base(files):
            engine, note = open_engine(params.engine, engine_models(group), limits)
            closing.callback(engine.close)
            notes += [note] if note else []
            opened |= {name: ServedModel(name, engine, _written(it)) for name, it in group.items()}
    except BaseException:
        closing.close()
        raise
    return {name: opened[name] for name in files}, notes, closing


def engine_limits(params: ServeParams, root: Path, threads: int, *, shorten: bool = False) -> EngineLimits:
    """Return the limits of engines that params.yaml asks for.

    :param root: the folder of the project.
    :param threads: number of threads of an engine; 0: one per core.
    :param shorten: whether a model with a shorter context is used with its own one, instead of refused.
    """
    cache = root / ADAPTERS
    return EngineLimits(
        params.slots, params.context, threads or cores(), cache, shorten=shorten, prompt_lookup=params.prompt_lookup
    )


def group_by_base(files: Mapping[str, ModelFiles]) -> list[dict[str, ModelFiles]]:
    """Group models that have the same base, so that one engine can load them.

    :param files: the files by the name of the model.
    """
    groups: list[dict[str, ModelFiles]] = []
    for name, it in files.items():
        group = next((group for group in groups if _have_same_base(it, next(iter(group.values())))), None)
        if group is None:
            groups.append({name: it})
        else:
            group[name] = it
    return groups


def engine_models(group: Mapping[str, ModelFiles]) -> EngineModels:
    """Return what an engine loads for models that have the same base.

    :param group: the files by the name of the model; at least one model.
    """
    first = next(iter(group.values()))
    adapters = {name: it.adapter for name, it in group.items()}
    return EngineModels(first.base, first.revision, adapters, {name: it.system for name, it in group.items()})


def _have_same_base(one: ModelFiles, other: ModelFiles) -> bool:
    """Return whether two models have the same base: the same name, or the same weights, tokenizer and template."""
    if (one.base, one.revision) == (other.base, other.revision):
        return True
    first, second = (
        _read_files(locate_model(it.base, it.revision)) if Path(it.base).exists() else [] for it in (one, other)
    )
    if not first or [path.stat().st_size for path in first] != [path.stat().st_size for path in second]:
        return False
    return all(
        here.samefile(there) or _digest(here, here.stat().st_mtime_ns) == _digest(there, there.stat().st_mtime_ns)
        for here, there in zip(first, second, strict=True)
    )


def _read_files(place: Path) -> list[Path]:
    """Return the files that decide what a base answers: its weights, and in a folder its tokenizer and template."""
    beside = [place / name for name in _BESIDE] if place.is_dir() else []
    return [*weight_files(place), *(path for path in beside if path.is_file())]


@lru_cache(maxsize=64)
def _digest(path: Path, _changed_ns: int) -> str:
    """Return the sha256 of a file; that of a large file that did not change is computed once."""
    return digest_file(path)


def _written(files: ModelFiles) -> int:
    """Return when the weights of a model were last written, in seconds since 1970."""
    place = files.adapter or Path(files.base)
    paths = [file for file in ([place] if place.is_file() else place.glob("*")) if file.is_file()]
    return int(max((path.stat().st_mtime for path in paths), default=0))
