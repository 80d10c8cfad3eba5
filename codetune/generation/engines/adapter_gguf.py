"""Convert the adapter of a model into a GGUF file that llama.cpp loads beside its base model, and keep the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import atomic_file, digest_bytes, digest_file, read_json
from codetune.models.gguf.config import make_config
from codetune.models.gguf.header import GgufFile
from codetune.models.gguf_writing.adapter import check_form, read_lora, write_adapter
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.load import attach_adapter

_CONFIG = "adapter_config.json"
_FILES = (_CONFIG, "adapter_model.safetensors")
_KIND = "F16"


def adapter_gguf(adapter: Path, base: GgufFile, cache: Path) -> Path:
    """Return the GGUF file of an adapter. It is made on the first call, and kept.

    :param adapter: the folder of the adapter.
    :param base: the base model that the adapter was trained on.
    :param cache: the folder for such files.
    :raises UserError: when the adapter is incomplete, belongs to another base, or has parts that llama.cpp cannot use.
    """
    path = cache / f"{_digest(adapter, base)}.gguf"
    if not path.is_file():
        check_adapter(adapter)
        with _refusing(adapter):
            tuned = attach_adapter(_skeleton(base), adapter)
            lora = read_lora(tuned)
            cache.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as temporary:
                write_adapter(temporary, lora, base.architecture, tuned.unload(), _KIND, {})
    return path


def check_adapter(adapter: Path) -> None:
    """Check that llama.cpp can use an adapter of this form. Its weights are not read.

    :param adapter: the folder of the adapter.
    :raises UserError: when the adapter has parts that llama.cpp cannot use.
    """
    if (adapter / _CONFIG).is_file():
        with _refusing(adapter):
            check_form(read_json(adapter / _CONFIG))


@contextmanager
def _refusing(adapter: Path) -> Iterator[None]:
    try:
        yield
    except NotConvertibleError as error:
        raise UserError(f"llama.cpp cannot use {adapter}: {error}", "Set serve.engine: torch.") from None


def _digest(adapter: Path, base: GgufFile) -> str:
    """Return a digest of everything that the GGUF file of an adapter depends on."""
    files = [digest_file(adapter / name) for name in _FILES if (adapter / name).is_file()]
    heads = base.get("attention.head_count"), base.get("attention.head_count_kv")
    shapes = sorted((name, place.shape) for name, place in base.tensors.items())
    return digest_bytes(repr((files, base.architecture, heads, shapes, _KIND)).encode())[:32]


def _skeleton(base: GgufFile) -> Any:
    """Return the base model with weights that were never written, so that they take no memory."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(make_config(base))
    model.to_empty(device="cpu").tie_weights()
    return model
