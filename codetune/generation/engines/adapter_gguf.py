"""Convert a LoRA adapter of peft into a GGUF adapter that llama.cpp loads beside its base model.

The two matrices of each module keep their values, rounded to 16 bits. The rows of queries and keys are reordered for
Llama models, as in the conversion of their weights (`permute` in llama.cpp's convert_hf_to_gguf.py).
"""

from __future__ import annotations

import re
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from codetune.core.errors import UserError, error_text
from codetune.core.files import atomic_file, digest_bytes, digest_file, read_json
from codetune.models.gguf.header import GgufFile

Matrix = np.ndarray[Any, np.dtype[Any]]

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_NAME = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
_UNSUPPORTED = (
    "use_dora", "modules_to_save", "lora_bias", "rank_pattern", "alpha_pattern", "trainable_token_indices",
    "fan_in_fan_out", "use_bdlora", "use_qalora", "target_parameters", "layer_replication",
)  # fmt: skip
_TORCH = "Set serve.engine: torch."


def adapter_gguf(adapter: Path, base: GgufFile, cache: Path) -> Path:
    """Return the GGUF file of an adapter. It is made on the first call, and kept.

    :param adapter: the folder of the adapter.
    :param base: the base model that the adapter was trained on.
    :param cache: the folder for such files.
    :raises UserError: when the adapter is incomplete, belongs to another base, or has parts that llama.cpp cannot use.
    """
    missing = [name for name in (_CONFIG, _WEIGHTS) if not (adapter / name).is_file()]
    if missing:
        raise UserError(f"{adapter} holds no {' and no '.join(missing)}", "Run `dvc repro train` to make the adapter.")
    pairs = _pairs(adapter, base)
    shapes = sorted((name, place.shape) for name, place in base.tensors.items() if name in pairs)
    digests = [digest_file(adapter / name) for name in (_CONFIG, _WEIGHTS)]
    path = cache / f"{digest_bytes(repr((digests, base.architecture, shapes)).encode())[:32]}.gguf"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        _write(path, base.architecture, _scale(adapter), pairs)
    return path


def _scale(adapter: Path) -> float:
    """Return the number that the product of the two matrices is multiplied with.

    :raises UserError: when the adapter has parts that llama.cpp cannot use.
    """
    config = read_json(adapter / _CONFIG)
    found = [key for key in _UNSUPPORTED if config.get(key)]
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none":
        found.append("a type other than LoRA, or a bias")
    if found:
        raise UserError(f"llama.cpp cannot use {adapter}: it has {', '.join(found)}", _TORCH)
    rank = config["r"]
    return float(config["lora_alpha"] / (sqrt(rank) if config.get("use_rslora") else rank))


def _pairs(adapter: Path, base: GgufFile) -> dict[str, tuple[Matrix, Matrix]]:
    """Return the two matrices of each adapted tensor, by the tensor's name in the base.

    Their shapes are `(rank, inputs)` and `(outputs, rank)`.

    :raises UserError: when the adapter is damaged or belongs to another base.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = {name: weight.float().numpy() for name, weight in load_file(adapter / _WEIGHTS).items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(
            f"{adapter} cannot be read: {error_text(error)}", "Run `dvc repro train` to make it again."
        ) from None
    known = _names(base)
    halves: dict[str, dict[str, Matrix]] = {}
    for name, weight in weights.items():
        found = _NAME.fullmatch(name)
        if found is None:
            raise UserError(f"llama.cpp cannot use {adapter}: it holds {name}, which is no matrix of LoRA", _TORCH)
        halves.setdefault(f"{known.get_name(found[1])}.weight", {})[found[2]] = weight
    return {name: _checked(adapter, base, name, pair) for name, pair in halves.items()}


def _names(base: GgufFile) -> Any:
    """Return the map from names of transformers to names of GGUF for the architecture of the base."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    (architecture,) = (key for key, name in MODEL_ARCH_NAMES.items() if name == base.architecture)
    return get_tensor_name_map(architecture, int(base.get("block_count")))


def _checked(adapter: Path, base: GgufFile, name: str, pair: dict[str, Matrix]) -> tuple[Matrix, Matrix]:
    """Return the two matrices of a tensor, in the order of rows of the base.

    :raises UserError: when they do not fit the tensor.
    """
    place = base.tensors.get(name)
    first, second = pair.get("A"), pair.get("B")
    if place is None or first is None or second is None or (second.shape[0], first.shape[1]) != place.shape:
        found = "no such tensor" if place is None else f"its tensor {name} has the shape {place.shape}"
        raise UserError(
            f"{adapter} was trained for another base than {base.path}: {found}",
            "Use the base it was trained on, or run `dvc repro train`.",
        )
    heads = {"attn_q.weight": "attention.head_count", "attn_k.weight": "attention.head_count_kv"}
    key = heads.get(name.split(".", 2)[-1])
    if base.architecture == "llama" and key:
        second = _permuted(second, int(base.get(key) or base.get("attention.head_count")))
    return first, second


def _permuted(rows: Matrix, heads: int) -> Matrix:
    """Reorder the rows of queries or keys: the two halves of each head alternate.

    :param rows: shape `(heads × size of a head, columns)`.
    """
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def _write(path: Path, architecture: str, scale: float, pairs: dict[str, tuple[Matrix, Matrix]]) -> None:
    """Write the file. llama.cpp multiplies the product with alpha divided by the rank."""
    from gguf import GGUFWriter

    ranks = {first.shape[0] for first, _ in pairs.values()}
    with atomic_file(path) as temporary:
        writer = GGUFWriter(temporary, architecture)
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", scale * max(ranks))
        for name in sorted(pairs):
            for half, values in zip(("a", "b"), pairs[name], strict=True):
                writer.add_tensor(f"{name}.lora_{half}", np.ascontiguousarray(values, dtype=np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
