"""The models that the page may ask: found in the project, loaded once, shared by all sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from codetune.app.project import project_root
from codetune.config import PARAMS_FILE, load_section
from codetune.modeling.params import ModelParams

if TYPE_CHECKING:
    from codetune.modeling.load import LoadedModel

ADAPTER = Path("models/adapter")
# Base and tuned, and the same again after a new training while the page runs; the oldest goes first.
MAX_MODELS_IN_MEMORY = 4
# One token of a small model is too little work to share: a thread that waits for another, which has to wait for the
# browser on the same core, costs several times more than it helps.
SMALL_MODEL_PARAMETERS = 50_000_000


@dataclass(frozen=True)
class ModelFiles:
    """Where a model lies: the base (a folder, or a hub id with its commit), and the adapter of the tuned one."""

    base: str
    revision: str | None
    adapter: Path | None = None

    def fingerprint(self) -> str:
        """A text that changes when the files are replaced."""
        folders = [Path(self.base), *([self.adapter] if self.adapter else [])]
        files = sorted(file for folder in folders if folder.is_dir() for file in folder.iterdir() if file.is_file())
        return "\n".join(f"{file} {file.stat().st_mtime_ns} {file.stat().st_size}" for file in files)


def available_models() -> dict[str, ModelFiles]:
    """The models that can be asked, by role; empty where there is not even a base.

    :raises UserError: when params.yaml cannot be read.
    """
    root = project_root()
    params = load_section(ModelParams, root / PARAMS_FILE)
    folder = root / params.base
    if not folder.exists() and params.revision is None:
        return {}
    base = str(folder) if folder.exists() else params.base
    models = {"base": ModelFiles(base, params.revision)}
    if (root / ADAPTER / "adapter_config.json").is_file():
        models["tuned"] = ModelFiles(base, params.revision, root / ADAPTER)
    return models


def loaded(files: ModelFiles) -> LoadedModel:
    """The model in memory.

    :raises UserError: when it cannot be loaded.
    """
    return _load(files, files.fingerprint())


def threads_for(models: Iterable[LoadedModel]) -> int:
    """How many threads to answer with: one where all models are small, else 0, which is as many as params.yaml says."""
    sizes = [sum(part.numel() for part in loaded.model.parameters()) for loaded in models]
    return 1 if all(size <= SMALL_MODEL_PARAMETERS for size in sizes) else 0


@st.cache_resource(max_entries=MAX_MODELS_IN_MEMORY, show_spinner="Loading the model")
def _load(files: ModelFiles, state: str) -> LoadedModel:  # noqa: ARG001 - part of the cache's key
    # Imported late: it brings transformers and peft, which nobody who only compares should wait for.
    from codetune.modeling.load import load_model

    return load_model(files.base, files.adapter, files.revision)
