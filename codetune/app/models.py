"""Find and load the models that the page asks. Loaded models are shared by all sessions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from codetune.app import project
from codetune.core.config import PARAMS_FILE, load_section
from codetune.core.errors import UserError
from codetune.history.listing import Revision
from codetune.history.models import ModelFiles, model_files
from codetune.history.reports import Variant
from codetune.history.repository import Repository
from codetune.models.model_cache import ModelCache
from codetune.models.params import ModelParams
from codetune.publishing.layout import BASE, TUNED

if TYPE_CHECKING:
    from codetune.models.load import LoadedModel

# Two models for each of two questions. The least recently used model is removed first; if all are in use, a new
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
    if project.is_space():
        return _of_space(project.project_root(), role)
    look = _look if revision.commit is None else _looked
    return look(str(project.project_root()), revision, role)


def _of_space(root: Path, role: Variant) -> ModelFiles:
    if role == "base":
        return ModelFiles(str(root / BASE), None, system=load_section(ModelParams, root / PARAMS_FILE).system)
    return ModelFiles(str(root / TUNED), None)


def _look(root: str, revision: Revision, role: Variant) -> ModelFiles | str:
    try:
        return model_files(Repository(Path(root)), revision, role)
    except UserError as error:
        return str(error)


_looked = st.cache_data(ttl=project.LISTING_SECONDS, show_spinner="Looking for the model")(_look)


def load_models(wanted: list[ModelFiles]) -> list[LoadedModel]:
    """Return the models, loaded into memory, in the order of `wanted`.

    :raises UserError: if a model cannot be loaded, or if too many other models are in use.
    """
    return _model_cache().get([(files, files.fingerprint()) for files in wanted])


def threads_for(models: Iterable[LoadedModel]) -> int:
    """Return the number of threads to generate with: 1 if all models are small, else 0 (as params.yaml says)."""
    sizes = [sum(part.numel() for part in loaded.model.parameters()) for loaded in models]
    return 1 if all(size <= SMALL_MODEL_PARAMETERS for size in sizes) else 0


@st.cache_resource(show_spinner=False)
def _model_cache() -> ModelCache[tuple[ModelFiles, str]]:
    return ModelCache(MAX_MODELS_IN_MEMORY, _load)


def _load(key: tuple[ModelFiles, str]) -> LoadedModel:
    # Imported here because it imports transformers and peft, which the other pages do not need.
    from codetune.models.load import load_model

    files, _ = key
    return load_model(files.base, files.adapter, files.revision, files.system)
