"""Files from a model hub: pinned to a commit, safetensors and GGUF only, nothing of them run."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from codetune.core.errors import UserError, error_text

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def snapshot(name: str, revision: str | None, key: str, files: Sequence[str], remedy: str) -> Path:
    """The local snapshot of a hub id, downloaded once and then taken from the hub's cache.

    :param revision: the commit.
    :param key: where the name stands in params.yaml, such as `model.base`.
    :param files: patterns of the files of the top folder that are fetched.
    :param remedy: what to do where there is no such model.
    :raises UserError: when `name` is no hub id, is not pinned to a commit, or cannot be had.
    """
    if not _HUB_ID.fullmatch(name):
        raise UserError(f"{key}: there is no file or folder {name}", remedy)
    if revision is None:
        section = key.rpartition(".")[0]
        raise UserError(
            f"{key}: there is no folder {name}; as a hub id it needs a pinned commit, found {section}.revision: null",
            f"Name a folder that exists, or set {section}.revision to the commit of the hub id.",
        )
    from huggingface_hub import snapshot_download

    _be_quiet()
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(files), ignore_patterns=["*/*"]))
    except Exception as error:
        raise UserError(
            f"{key}: {name} is no folder, and the hub did not give it at {revision[:12]}: {error_text(error)}",
            f"Check the name and the network. {remedy}",
        ) from None


def single_file(repository: str, file: str, revision: str) -> Path:
    """One file of a hub id, which is then in the hub's cache.

    :raises UserError: when it cannot be had.
    """
    from huggingface_hub import hf_hub_download

    _be_quiet()
    try:
        return Path(hf_hub_download(repository, file, revision=revision))
    except Exception as error:
        raise UserError(f"the hub did not give it: {error_text(error)}", "Check the network.") from None


def _be_quiet() -> None:
    """Keep the hub's library from writing a line for each of its attempts; the last error is told anyway."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
