"""The models that the page may ask: found in a revision, loaded once, shared by all sessions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from codetune.app import project
from codetune.core.errors import UserError
from codetune.history.listing import Revision
from codetune.history.models import ModelFiles, model_files
from codetune.history.reports import Role
from codetune.history.repository import Repository
from codetune.models.shelf import Shelf

if TYPE_CHECKING:
    from codetune.models.load import LoadedModel

# Two for each of two questions; the oldest goes first, and who finds no place waits.
MAX_MODELS_IN_MEMORY = 4
# One token of a small model is too little work to share: a thread that waits for another, which has to wait for the
# browser on the same core, costs several times more than it helps.
SMALL_MODEL_PARAMETERS = 50_000_000


def find_model(revision: Revision, role: Role) -> ModelFiles | str:
    """Where the model of a revision lies, or why it is not here and what brings it.

    It is looked for once in a while, in the workspace each time.
    """
    look = _look if revision.commit is None else _looked
    return look(str(project.project_root()), revision, role)


def _look(root: str, revision: Revision, role: Role) -> ModelFiles | str:
    try:
        return model_files(Repository(Path(root)), revision, role)
    except UserError as error:
        return str(error)


_looked = st.cache_data(ttl=project.LISTING_SECONDS, show_spinner="Looking for the model")(_look)


def loaded(wanted: list[ModelFiles]) -> list[LoadedModel]:
    """The models in memory, in the order asked for.

    :raises UserError: when one cannot be loaded, or when too many others are in use.
    """
    return _shelf().take([(files, files.fingerprint()) for files in wanted])


def threads_for(models: Iterable[LoadedModel]) -> int:
    """How many threads to answer with: one where all models are small, else 0, which is as many as params.yaml says."""
    sizes = [sum(part.numel() for part in loaded.model.parameters()) for loaded in models]
    return 1 if all(size <= SMALL_MODEL_PARAMETERS for size in sizes) else 0


@st.cache_resource(show_spinner=False)
def _shelf() -> Shelf[tuple[ModelFiles, str]]:
    return Shelf(MAX_MODELS_IN_MEMORY, _load)


def _load(key: tuple[ModelFiles, str]) -> LoadedModel:
    # Imported late: it brings transformers and peft, which nobody who only compares should wait for.
    from codetune.models.load import load_model

    files, _ = key
    return load_model(files.base, files.adapter, files.revision, files.system)
