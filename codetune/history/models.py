"""Base model and adapter of any revision, copied from the DVC cache or git into model folders and verified.

The DVC cache and git store single files, so a model gets a folder below `.cache/models` that is named by the digest of
its content. Revisions with equal content share the folder. Files are hard links to the cache where the file system
supports it, else copies. The least recently used folders are removed. Only safetensors, GGUF, configuration and
tokenizer files are used: neither pickles nor code.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from codetune.core.config import PARAMS_FILE, load_section
from codetune.core.errors import UserError
from codetune.core.files import atomic_folder, digest_bytes
from codetune.core.yaml_text import read_yaml
from codetune.history.listing import Revision
from codetune.history.outputs import cached_folder, locked_output, remedy
from codetune.history.reports import Variant
from codetune.history.repository import Repository
from codetune.history.stages import LOCK_FILE
from codetune.history.whole_adapter import require_whole_adapter
from codetune.models.locate import fetched_base_folder, is_model_name
from codetune.models.params import BASE_FOLDER, ModelParams
from codetune.models.prompt import KEEP_SYSTEM

ADAPTER = "models/adapter"
USED_FILES = re.compile(r"[\w.-]+\.(json|safetensors|gguf|jinja|txt|model)")
"""The names of the files of a model that are used."""
FOLDERS = Path(".cache/models")
_KEPT = 20  # folders: somewhat more than one session of comparisons needs
_KEPT_BYTES = 2_000_000_000  # of copied files; hard links need no space
_IN_USE = 8  # folders that are kept at any size: base and adapter of each model that may be in memory
_COMMIT = re.compile(r"[0-9a-f]{40}")
_KEY = re.compile(r"[0-9a-f]{32}")
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class ModelFiles:
    """Where the files of a model are.

    :param base: the base model: a folder, a GGUF file or a hub id.
    :param revision: the commit of a hub id; None for a local model.
    :param adapter: the folder of the adapter; None for the base model.
    :param system: the system text of its prompts, as in the parameter `model.system`.
    """

    base: str
    revision: str | None
    adapter: Path | None = None
    system: str = KEEP_SYSTEM

    def fingerprint(self) -> str:
        """A text that changes when the files change: path, modification time and size of each."""
        places = [Path(self.base), *([self.adapter] if self.adapter else [])]
        files = sorted(file for place in places for file in [place, *place.glob("*")] if file.is_file())
        return "\n".join(f"{file} {file.stat().st_mtime_ns} {file.stat().st_size}" for file in files)


def model_files(repository: Repository, revision: Revision, role: Variant) -> ModelFiles:
    """Locate the base or tuned model of a revision, and create its folders if they do not exist yet.

    :raises UserError: when the model is not in this clone; the error has the command that fetches it.
    """
    if revision.commit is None:
        return _of_workspace(repository.root, role)
    base, hub_commit, system = _model_section(repository, revision)
    base, hub_commit = _base_of_commit(repository, revision, base, hub_commit)
    if role == "base":
        return ModelFiles(base, hub_commit, system=system)
    entry = locked_output(repository, revision, ADAPTER)
    if entry is None:
        raise UserError(
            f"{revision.title} has no adapter: its {LOCK_FILE} lists none",
            "Choose another revision, or its base model.",
        )
    return ModelFiles(base, hub_commit, _from_cache(repository, revision, entry, ADAPTER), system)


def _of_workspace(root: Path, role: Variant) -> ModelFiles:
    params = load_section(ModelParams, root / PARAMS_FILE)
    folder = root / params.base
    if not folder.exists() and is_model_name(params.base):
        folder = fetched_base_folder(params.base, root)
    if not folder.exists() and params.revision is None:
        raise UserError(f"There is no base model {params.base}", "Set model.base to one that exists.")
    base = str(folder) if folder.exists() else params.base
    if role == "base":
        return ModelFiles(base, params.revision, system=params.system)
    if not (root / ADAPTER / "adapter_config.json").is_file():
        raise UserError(
            "There is no adapter in the workspace yet",
            f"Run `make repro`, which trains it, or `dvc pull {ADAPTER}` if a remote has it.",
        )
    require_whole_adapter(root, ADAPTER)
    return ModelFiles(base, params.revision, root / ADAPTER, params.system)


def _model_section(repository: Repository, revision: Revision) -> tuple[str, str | None, str]:
    """`model.base`, `model.revision` and `model.system` of a commit; its params.yaml may have an older format."""
    content = repository.contents(repository.tree(revision.key, [str(PARAMS_FILE)])).get(str(PARAMS_FILE), b"")
    try:
        section = read_yaml(content.decode())["model"]
        base, commit, system = section["base"], section.get("revision"), section.get("system") or KEEP_SYSTEM
    except (UserError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        base = commit = system = None
    if not isinstance(base, str) or not base or not (commit is None or _COMMIT.fullmatch(str(commit))):
        raise UserError(
            f"{revision.title} has no model: its {PARAMS_FILE} has no valid model.base", "Choose another revision."
        )
    return base, commit, str(system)


def _base_of_commit(
    repository: Repository, revision: Revision, base: str, hub_commit: str | None
) -> tuple[str, str | None]:
    """The folder or hub id of a commit's base, and the hub's commit."""
    place = PurePosixPath(base)
    if place.is_absolute() or ".." in place.parts:  # outside the project: neither git nor DVC has its files
        return str(repository.root / base), hub_commit
    if folder := _from_git(repository, revision, place.as_posix()):
        return str(folder), None
    path = str(BASE_FOLDER) if is_model_name(base) else place.as_posix()
    if entry := locked_output(repository, revision, path):
        return str(_from_cache(repository, revision, entry, path)), None
    if hub_commit is None:
        raise UserError(
            f"the base model {base} of {revision.title} is neither in git nor among the outputs of its {LOCK_FILE}",
            "Choose another revision.",
        )
    return base, hub_commit


def _from_git(repository: Repository, revision: Revision, path: str) -> Path | None:
    """A folder with the files that a commit has in the folder `path`; None if the commit has none there."""
    blobs = [
        blob
        for blob in repository.tree(revision.key, [path])
        if blob.path.startswith(f"{path}/") and USED_FILES.fullmatch(blob.path.removeprefix(f"{path}/"))
    ]
    if not blobs:
        return None
    key = digest_bytes("\n".join(f"{blob.path} {blob.oid}" for blob in blobs).encode())[:32]

    def fill(folder: Path) -> None:
        contents = repository.contents(blobs)
        if large := [blob.path for blob in blobs if blob.path not in contents]:
            raise UserError(
                f"{large[0]} of {revision.title} is too large to be read from git",
                f"Run `git checkout {revision.short}` and reload.",
            )
        for name, content in contents.items():
            (folder / Path(name).name).write_bytes(content)

    return _laid_out(repository.root, key, fill)


def _from_cache(repository: Repository, revision: Revision, entry: dict[str, Any], path: str) -> Path:
    """A folder with the files that the DVC cache has for an output that is a folder."""
    files = cached_folder(repository.root, entry)
    stage = "train" if path == ADAPTER else "base"
    if files is None:
        raise UserError(f"{path} of {revision.title} is not in the DVC cache", remedy(revision, path, stage))

    def fill(folder: Path) -> None:
        for name, (source, digest) in files.items():
            if not USED_FILES.fullmatch(name):
                continue
            with source.open("rb") as stream:
                found = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if found != digest:
                raise UserError(
                    f"{name} in the DVC cache was changed: its md5 is not the one in {LOCK_FILE} of {revision.title}",
                    f"Remove {source}, then get it again: {remedy(revision, path, stage)}",
                )
            _link(source, folder / name)

    return _laid_out(repository.root, str(entry["md5"]).removesuffix(".dir"), fill)


def _link(source: Path, path: Path) -> None:
    """Make `path` a hard link to a file that is never written again, or a copy where hard links are not supported."""
    try:
        path.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, path)


def _laid_out(root: Path, key: str, fill: Callable[[Path], None]) -> Path:
    """The folder for one content. If it does not exist yet, `fill` writes its files.

    :param key: digest of the content, 32 hexadecimal digits.
    """
    folder = root / FOLDERS / key
    with _ONE_AT_A_TIME:
        if not folder.is_dir():
            try:
                with atomic_folder(folder) as temporary:
                    fill(temporary)
            except OSError as error:
                raise UserError(
                    f"{folder} cannot be written: {error.strerror}", "Free disk space, or make the folder writable."
                ) from None
        with suppress(OSError):  # another user owns the folder, or another process removes folders too
            os.utime(folder)
            _remove_unused(folder.parent)
    return folder


def _remove_unused(folders: Path) -> None:
    """Remove the least recently used folders; a folder's modification time says when it was last used."""
    found = [folder for folder in folders.iterdir() if _KEY.fullmatch(folder.name)]
    size = 0
    for place, folder in enumerate(sorted(found, key=lambda folder: folder.stat().st_mtime_ns, reverse=True)):
        files = [file.stat() for file in folder.iterdir()]
        size += sum(file.st_size for file in files if file.st_nlink == 1)  # a hard link takes no space
        if place >= _KEPT or (place >= _IN_USE and size > _KEPT_BYTES):
            shutil.rmtree(
                folder.rename(folder.with_suffix(".old")), ignore_errors=True
            )  # renamed first, so that no reader finds it half removed
