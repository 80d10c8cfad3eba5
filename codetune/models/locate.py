"""Find the files of a model: written by the stage `base`, in a local folder or GGUF file, or at a commit of the hub."""

from __future__ import annotations

from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import read_json
from codetune.core.paths import project_path
from codetune.models.gguf.header import is_gguf
from codetune.models.hub import snapshot
from codetune.models.params import BASE_FOLDER, PROVENANCE

_HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt"]
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")
_REMEDY = "Use an existing GGUF file or folder, a hub id owner/name, or smollm2."


def locate_model(base: str, revision: str | None = None) -> Path:
    """Return the folder with configuration, weights and tokenizer of `base`, or the GGUF file that contains all three.

    :param base: a local folder, a GGUF file (with any suffix), the name of a model that the stage `base` fetches, or a
        hub id, which is downloaded once and then read from the hub's cache.
    :param revision: the commit, when `base` is a hub id.
    :raises UserError: when there is no such model, or its weights are neither safetensors nor GGUF.
    """
    place = project_path(base)
    if not place.exists():
        place = (
            fetched_base_folder(base)
            if is_model_name(base)
            else snapshot(base, revision, "model.base", _HUB_FILES, _REMEDY)
        )
    return place if is_gguf(place) else _checked(place, base)


def is_model_name(base: str) -> bool:
    """Return whether `base` is the name of a model that the stage `base` fetches, not a hub id.

    :param base: a value of `model.base` that is not an existing file or folder.
    """
    return "/" not in base


def fetched_base_folder(base: str, root: Path = Path()) -> Path:
    """Return the folder into which the stage `base` has fetched a model.

    :param base: the name of the model.
    :param root: the folder of the project.
    :raises UserError: when the stage has not run yet, or has fetched another model.
    """
    record = root / BASE_FOLDER / PROVENANCE
    if not record.is_file():
        raise UserError(
            f"There is no base model yet: {base} is not in {BASE_FOLDER}",
            "Run `make repro`, or `dvc repro base` for the model alone.",
        )
    found = read_json(record).get("name")
    if found != base:
        raise UserError(f"model.base: {BASE_FOLDER} holds {found}, expected {base}", "Run `dvc repro base`.")
    return root / BASE_FOLDER


def model_files(place: Path) -> list[Path]:
    """Return all files of a model.

    :param place: a result of `locate_model`.
    """
    return [place] if place.is_file() else sorted(path for path in place.iterdir() if path.is_file())


def weight_files(place: Path) -> list[Path]:
    """Return the files with the weights of a model or adapter: safetensors files, or one GGUF file.

    :param place: a result of `locate_model`, or the folder of an adapter.
    """
    return [path for path in model_files(place) if path.suffix == ".safetensors" or is_gguf(path)]


def _checked(folder: Path, base: str) -> Path:
    """Return `folder` if it has every file that is needed to load the model safely.

    :raises UserError: when a file is missing, or there is more than one model.
    """
    remedy = (
        "Use a GGUF file, or a folder with the files of a hub snapshot. If model.base is the name of a model, "
        f"`dvc repro base` restores {BASE_FOLDER}."
    )
    if not folder.is_dir():
        raise UserError(f"model.base: {base} is a file, but not a GGUF file", remedy)
    if not (folder / "config.json").is_file():
        raise UserError(f"model.base: {base} holds no config.json", remedy)
    weights = weight_files(folder)
    if len(weights) > 1 and any(path.suffix != ".safetensors" for path in weights):
        raise UserError(
            f"model.base: {base} holds several models: {', '.join(path.name for path in weights)}",
            "Keep one of them, or set model.base to one of the GGUF files.",
        )
    if not weights:
        pickles = sorted(file.name for pattern in ("*.bin", "*.pt", "*.pth") for file in folder.glob(pattern))
        found = f" (found {', '.join(pickles)}: pickles are never loaded)" if pickles else ""
        raise UserError(f"model.base: {base} holds neither safetensors nor a GGUF file{found}", remedy)
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise UserError(f"model.base: {base} holds no tokenizer ({', '.join(_TOKENIZER_FILES)})", remedy)
    return folder
