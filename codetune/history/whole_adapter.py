"""Check that the adapter in the workspace is whole, before a model is loaded with it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError, safe_open

from codetune.core.errors import UserError, error_text
from codetune.history.listing import WORKSPACE
from codetune.history.outputs import cached_folder, locked_output
from codetune.history.repository import Repository

_WEIGHTS = "adapter_model.safetensors"


def require_whole_adapter(root: Path, path: str) -> None:
    """Check that the weights of the adapter can be opened. A truncated file is found without reading the tensors.

    :param root: the folder of the project.
    :param path: the folder of the adapter, relative to the project.
    :raises UserError: when the weights are missing or damaged; with the command that restores them.
    """
    weights = root / path / _WEIGHTS
    try:
        with safe_open(weights, framework="numpy"):
            return
    except FileNotFoundError:
        found = f"{path} has no {_WEIGHTS}"
    except (OSError, SafetensorError) as error:
        found = f"{path}/{_WEIGHTS} is damaged: {error_text(error)}"
    if _is_cached(root, path):
        raise UserError(found, f"Run `dvc checkout --force {path}`, which restores it from the DVC cache.")
    raise UserError(found, "Run `dvc repro train`, which makes it again.")


def _is_cached(root: Path, path: str) -> bool:
    """Whether the DVC cache has the folder that dvc.lock of the workspace lists, with files that can be opened."""
    with suppress(UserError):
        entry = locked_output(Repository(root), WORKSPACE, path)
        files = None if entry is None else cached_folder(root, entry)
        if files and _WEIGHTS in files:
            with suppress(OSError, SafetensorError), safe_open(files[_WEIGHTS][0], framework="numpy"):
                return True
    return False
