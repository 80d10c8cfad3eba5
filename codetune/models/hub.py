"""Download files from a model hub: pinned to a commit, weights as safetensors or GGUF only, and no code is run."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from codetune.core.errors import UserError, error_text

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def snapshot(name: str, revision: str | None, key: str, files: Sequence[str], remedy: str) -> Path:
    """Return the local snapshot of a hub id. It is downloaded once and then read from the hub's cache.

    :param name: the hub id, `owner/name`.
    :param revision: the commit.
    :param key: the parameter that holds the name, such as `model.base`, for error messages.
    :param files: patterns of the files to download; only files of the top folder are downloaded.
    :param remedy: what the user can do when there is no such model, for error messages.
    :raises UserError: when `name` is not a hub id, has no pinned commit, or cannot be downloaded.
    """
    if not _HUB_ID.fullmatch(name):
        raise UserError(f"{key}: there is no file or folder {name}", remedy)
    if revision is None:
        section = key.rpartition(".")[0]
        raise UserError(
            f"{key}: there is no folder {name}, and a hub id needs a pinned commit; found {section}.revision: null",
            f"Set {key} to an existing folder, or set {section}.revision to the commit of the hub id.",
        )
    from huggingface_hub import snapshot_download

    _be_quiet()
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(files), ignore_patterns=["*/*"]))
    except Exception as error:
        raise UserError(
            f"{key}: {name} is not a folder, and downloading it from the hub at commit {revision[:12]} failed: "
            f"{error_text(error)}",
            f"Check the name and the network. {remedy}",
        ) from None


def single_file(repository: str, file: str, revision: str) -> Path:
    """Return the local path of one file of a hub repository. It is downloaded once and then read from the hub's cache.

    :param repository: hub id, `owner/name`.
    :param file: the path of the file in the repository.
    :param revision: the commit.
    :raises UserError: when it cannot be downloaded.
    """
    from huggingface_hub import hf_hub_download

    _be_quiet()
    try:
        return Path(hf_hub_download(repository, file, revision=revision))
    except Exception as error:
        raise UserError(f"the download from the hub failed: {error_text(error)}", "Check the network.") from None


def _be_quiet() -> None:
    """Stop huggingface_hub from logging each attempt. The last error is reported anyway."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
