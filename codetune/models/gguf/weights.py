"""Load a model from a GGUF file: dequantised exactly, as a plain transformers model that can be saved.

The names and the form of stored tensors are defined here for both directions, reading and writing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from codetune.core.errors import UserError
from codetune.models.gguf.config import make_config, make_generation_config
from codetune.models.gguf.header import GgufFile

if TYPE_CHECKING:
    import torch

Values = np.ndarray[Any, np.dtype[np.float32]]
# Tensors that are not weights: the configuration contains their values, or they are not used.
_WITHOUT_WEIGHTS = ("rope_freqs.", "rope_factors_long.", "rope_factors_short.")


def load_gguf_model(file: GgufFile, dtype: torch.dtype | None = None) -> Any:
    """Return the model of `file` in evaluation mode. The values are exactly those that the `gguf` package dequantises.

    :param dtype: number type of the weights; None: float32.
    :raises UserError: when the architecture or a quantisation is not supported, or the tensors do not match the
        architecture.
    """
    import torch
    from transformers import AutoModelForCausalLM

    dtype = dtype or torch.float32
    config = make_config(file)
    with torch.device("meta"):
        skeleton = AutoModelForCausalLM.from_config(config, dtype=dtype)
    names = _names(file, skeleton)
    _check_shapes(file, names, skeleton)
    undo = from_stored(file.architecture, config)
    state = {
        ours: torch.from_numpy(undo(theirs, dequantised(file, theirs))).to(dtype) for theirs, ours in names.items()
    }
    model = type(skeleton).from_pretrained(None, config=config, state_dict=state, dtype=dtype).eval()
    model.generation_config = make_generation_config(file)
    return model


def dequantised(file: GgufFile, name: str) -> Values:
    """Return the values of a tensor in float32, as a copy with the shape that the file declares.

    :param name: the name of the tensor in the file.
    :raises UserError: when the `gguf` package cannot dequantise it.
    """
    from gguf import dequantize

    place = file.tensors[name]
    try:
        values = dequantize(np.asarray(file.raw(name)), place.kind)
    except NotImplementedError:
        raise file.make_error(
            f"holds the tensor {name} as {place.kind.name}, which cannot be dequantised",
            "Use another quantisation of the model, such as Q8_0 or Q4_K_M.",
        ) from None
    return np.require(values.reshape(place.shape), np.float32, ["C", "W"])


def tensor_names(architecture: str, model: Any) -> dict[str, str]:
    """Return the name of the model parameter for each weight tensor that a file of the model has.

    :param architecture: the name of the architecture in llama.cpp.
    :param model: a model of transformers; its weights are not read.
    """
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    (number,) = (key for key, name in MODEL_ARCH_NAMES.items() if name == architecture)
    known = get_tensor_name_map(number, model.config.num_hidden_layers)
    names = {}
    for parameter, _ in model.named_parameters():  # a shared parameter is listed once, with its first name
        stem, _, suffix = parameter.rpartition(".")
        names[f"{known.get_name(stem)}.{suffix}"] = parameter
    return names


def _names(file: GgufFile, skeleton: Any) -> dict[str, str]:
    """Return the name of the model parameter for each weight tensor of the file.

    :raises UserError: when a tensor has no parameter in the model, or a parameter has no tensor.
    """
    names = tensor_names(file.architecture, skeleton)
    weights = {name for name in file.tensors if not name.startswith(_WITHOUT_WEIGHTS)}
    for found, what in ((weights - names.keys(), "holds"), (names.keys() - weights, "lacks")):
        if found:
            raise file.make_error(
                f"{what} {len(found)} tensors, such as {min(found)}, unlike a standard {file.architecture} model",
                "Use a model with the standard form of the architecture, or a folder with its safetensors.",
            )
    return names


def from_stored(architecture: str, config: Any) -> Callable[[str, Values], Values]:
    """Return a function of a tensor's name and values that reverses the changes made by the conversion to GGUF.

    The conversion swaps rows of queries and keys (llama), or adds one to the weights of normalisations (gemma).
    """
    from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor

    processor = TENSOR_PROCESSORS.get(architecture, TensorProcessor)(config=config.to_dict())
    return lambda name, values: np.ascontiguousarray(processor.process(values, name=name).weights)


def to_stored(architecture: str, config: Any) -> Callable[[str, Values], Values]:
    """Return the inverse of `from_stored`: a function of a tensor's name and values that changes them for GGUF.

    The second half of a head's rows is mixed with the first half row by row (llama): llama.cpp rotates neighbours.
    """
    heads = {".attn_q.": config.num_attention_heads, ".attn_k.": config.num_key_value_heads}

    def convert(name: str, values: Values) -> Values:
        number = next((count for part, count in heads.items() if part in name), None)
        if architecture == "llama" and number is not None:
            halves = values.reshape(number, 2, -1, *values.shape[1:])
            return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))
        if architecture.startswith("gemma") and name.endswith("norm.weight"):
            return values + np.float32(1)
        return values

    return convert


def _check_shapes(file: GgufFile, names: dict[str, str], skeleton: Any) -> None:
    """Check that each tensor has the shape of its parameter.

    :raises UserError: for the first tensor whose shape differs.
    """
    for theirs, ours in names.items():
        found, expected = file.tensors[theirs].shape, tuple(skeleton.get_parameter(ours).shape)
        if found != expected:
            raise UserError(
                f"model.base: {file.path}: the tensor {theirs} has the shape {found}, expected {expected}",
                "Download the file again, or use another model.",
            )
