"""Find the models that the page asks, and open engines for them. All sessions share the engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from codetune.app import project
from codetune.core.config import PARAMS_FILE, load_section
from codetune.core.errors import UserError
from codetune.generation.engines.choose import check_llama_cpp, fallback_note, open_engine
from codetune.generation.engines.engine import Engine, EngineLimits
from codetune.generation.engines.engine_cache import EngineCache, EngineKey, EnginesBusyError
from codetune.generation.engines.names import EngineName
from codetune.generation.engines.torch_engine import TorchEngine
from codetune.history.listing import Revision
from codetune.history.models import ModelFiles, model_files
from codetune.history.reports import Variant
from codetune.history.repository import Repository
from codetune.numerics import NumericsParams
from codetune.serving.models import engine_limits, engine_models, group_by_base
from codetune.serving.params import ServeParams

Kind = tuple[EngineName, EngineLimits]
Model = tuple[ModelFiles, str]
# Two models for each of two questions. The engine that was used longest ago is closed first; if all are in use, a new
# request waits.
MAX_MODELS_IN_MEMORY = 4
# One token of a small model is too little work for several threads. Threads wait for each other, and for the browser on
# the same core; this costs several times more than it saves.
SMALL_MODEL_PARAMETERS = 50_000_000


def find_model(revision: Revision, role: Variant) -> ModelFiles | str:
    """Find the files of a model of a revision.

    The result is cached for `project.LISTING_SECONDS`, except for the workspace.

    :returns: the files; or, if they are not in this clone, a message that says why and which command gets them.
    """
    look = _look if revision.commit is None else _looked
    return look(str(project.project_root()), revision, role)


def _look(root: str, revision: Revision, role: Variant) -> ModelFiles | str:
    try:
        return model_files(Repository(Path(root)), revision, role)
    except UserError as error:
        return str(error)


_looked = st.cache_data(ttl=project.LISTING_SECONDS, show_spinner="Looking for the model")(_look)


@dataclass(frozen=True)
class OpenModels:
    """Models that are ready to answer.

    :param asked: an engine and the name of a model in it, by the name of the model on the page.
    :param note: one line that says why `auto` did not choose llama.cpp; empty if it did, or was not asked.
    :param close: gives the engines back; `failed` says that an engine failed and must be opened anew.
    """

    asked: dict[str, tuple[Engine, str]]
    note: str
    close: Callable[..., None]

    @property
    def engine(self) -> str:
        """Return the name of the engine. All models of one question have the same."""
        return next(iter(self.asked.values()))[0].name

    @property
    def torch_threads(self) -> int:
        """Return the number of threads for torch: 1 if torch answers and all models are small, else 0 (unchanged)."""
        sizes = [engine.largest if isinstance(engine, TorchEngine) else None for engine, _ in self.asked.values()]
        return 1 if all(size is not None and size <= SMALL_MODEL_PARAMETERS for size in sizes) else 0


def open_models(wanted: Mapping[str, ModelFiles], name: EngineName, params: ServeParams) -> OpenModels:
    """Load models into engines, or find them loaded. All of them get the same engine, so that answers can be compared.

    :param wanted: the files by the name of the model on the page; at least one model.
    :param name: the engine. `auto`: llama.cpp if its package is installed and it can load all models, else torch.
    :param params: the limits of engines.
    :raises UserError: if a model cannot be loaded, or if too many other models are in use.
    """
    root = project.project_root()
    limits = engine_limits(params, root, load_section(NumericsParams, root / PARAMS_FILE).threads, shorten=True)
    alone = [{place: files} for place, files in wanted.items()]
    if name == "torch":
        return _borrow(alone, ("torch", limits), "")
    groups = group_by_base(wanted)
    try:
        for group in groups:
            check_llama_cpp(engine_models(group))  # before models that torch needs are released to make room
        return _borrow(groups, ("llama.cpp", limits), "")
    except EnginesBusyError:
        raise
    except UserError as error:
        if name == "llama.cpp":
            raise
        return _borrow(alone, ("torch", limits), fallback_note(error))


def _borrow(groups: list[dict[str, ModelFiles]], kind: Kind, note: str) -> OpenModels:
    """Borrow one engine for each group of models."""
    keys = [EngineKey(kind, frozenset((it, it.fingerprint()) for it in group.values())) for group in groups]
    loan = _engines().borrow(keys)
    asked = {
        place: (engine, repr(files))
        for group, engine in zip(groups, loan.engines, strict=True)
        for place, files in group.items()
    }
    return OpenModels(asked, note, loan.close)


@st.cache_resource(show_spinner=False)
def _engines() -> EngineCache[Kind, Model]:
    return EngineCache(MAX_MODELS_IN_MEMORY, _open)


def _open(key: EngineKey[Kind, Model]) -> Engine:
    """Open an engine whose models are named by their files."""
    name, limits = key.kind
    named = {repr(files): files for files, _ in key.models}
    engine, _ = open_engine(name, engine_models({model: named[model] for model in sorted(named)}), limits)
    return engine
