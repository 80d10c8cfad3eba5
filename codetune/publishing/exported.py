"""Find the exported model and its GGUF files, and create the folder that is handed over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import atomic_folder, digest_file, read_json

EXPORT = Path("models/export")
REPORT = Path("reports/export.json")
_REMEDY = "Run `dvc repro export`."
_NEEDED = ("config.json", "tokenizer.json", "README.md")

Json = dict[str, Any]


def exported_folder(root: Path) -> Path:
    """Return the folder of the exported model.

    :param root: the folder of the project.
    :raises UserError: when there is no exported model yet, or when it is incomplete.
    """
    folder = root / EXPORT
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if len(missing) == len(_NEEDED):
        raise UserError(f"there is no exported model in {EXPORT} yet", _REMEDY)
    if missing or not any(folder.glob("*.safetensors")):
        raise UserError(f"{EXPORT} lacks {', '.join(missing) or 'the weights (*.safetensors)'}", _REMEDY)
    return folder


def gguf_files(root: Path) -> list[Json]:
    """Return what reports/export.json says about the GGUF files of the export.

    :raises UserError: when the report is missing or is that of an older codetune.
    """
    try:
        files = read_json(root / REPORT)["gguf"]["files"]
        return [dict(one) for one in files]
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{REPORT} does not list GGUF files", _REMEDY) from None


def checked_file(root: Path, name: str, sha256: str) -> Path:
    """Return the path of a file of the export.

    :param name: the path in the folder of the export.
    :param sha256: the digest in the report.
    :raises UserError: when the file is missing or has another content.
    """
    path = root / EXPORT / name
    if not path.is_file():
        raise UserError(f"{EXPORT / name} does not exist", _REMEDY)
    if digest_file(path) != sha256:
        raise UserError(f"{EXPORT / name} is not the file that {REPORT} describes", _REMEDY)
    return path


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `folder` when the block ends without an exception.

    :raises UserError: when `folder` is a file, or a folder that is not empty.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"{folder} is not a folder", "Name a new folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty", "Name a new folder, or empty this one.")
    with atomic_folder(folder) as temporary:
        yield temporary
