"""A model of transformers out of a GGUF file: dequantised exactly, of the plain class, so that it can be saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from codetune.core.errors import UserError
from codetune.models.gguf.config import make_config, make_generation_config
from codetune.models.gguf.header import GgufFile

if TYPE_CHECKING:
    import torch

# What says nothing about weights: the configuration holds it (rope), or nobody uses it.
_WITHOUT_WEIGHTS = ("rope_freqs.", "rope_factors_long.", "rope_factors_short.")


def load_gguf_model(file: GgufFile, dtype: torch.dtype | None = None) -> Any:
    """The model of `file` in evaluation mode: float32 unless `dtype` says otherwise, each value as `gguf` gives it.

    :raises UserError: when the architecture or a quantisation is not supported, or the tensors are not those of the
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
    undo = _undo(file, config)
    state = {
        ours: torch.from_numpy(undo(theirs, dequantised(file, theirs))).to(dtype) for theirs, ours in names.items()
    }
    model = type(skeleton).from_pretrained(None, config=config, state_dict=state, dtype=dtype).eval()
    model.generation_config = make_generation_config(file)
    return model


def dequantised(file: GgufFile, name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The values of a tensor in float32, in the shape that the file gives; a copy.

    :raises UserError: when its quantisation is not one that `gguf` reads.
    """
    from gguf import dequantize

    place = file.tensors[name]
    try:
        values = dequantize(np.asarray(file.raw(name)), place.kind)
    except NotImplementedError:
        raise file.refused(
            f"holds the tensor {name} as {place.kind.name}, which cannot be dequantised",
            "Use another form of the model, such as Q8_0 or Q4_K_M.",
        ) from None
    return np.require(values.reshape(place.shape), np.float32, ["C", "W"])


def _names(file: GgufFile, skeleton: Any) -> dict[str, str]:
    """The parameter of the model for each tensor of the file that has weights.

    :raises UserError: when a tensor has no place in the model, or a parameter has no tensor.
    """
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    (architecture,) = (key for key, name in MODEL_ARCH_NAMES.items() if name == file.architecture)
    known = get_tensor_name_map(architecture, skeleton.config.num_hidden_layers)
    names = {}
    for parameter, _ in skeleton.named_parameters():  # those that are shared once, by their first name
        stem, _, suffix = parameter.rpartition(".")
        names[f"{known.get_name(stem)}.{suffix}"] = parameter
    weights = {name for name in file.tensors if not name.startswith(_WITHOUT_WEIGHTS)}
    for found, what in ((weights - names.keys(), "holds"), (names.keys() - weights, "lacks")):
        if found:
            raise file.refused(
                f"{what} {len(found)} tensors against what a plain {file.architecture} model has, such as {min(found)}",
                "Use a model of a plain form of the architecture, or a folder with its safetensors.",
            )
    return names


def _undo(file: GgufFile, config: Any) -> Any:
    """A function of a tensor's name and values that takes back what the conversion to GGUF did to them.

    It swaps rows of queries and keys (llama), or adds one to the weights of normalisations (gemma).
    """
    from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor

    processor = TENSOR_PROCESSORS.get(file.architecture, TensorProcessor)(config=config.to_dict())
    return lambda name, values: np.ascontiguousarray(processor.process(values, name=name).weights)


def _check_shapes(file: GgufFile, names: dict[str, str], skeleton: Any) -> None:
    """Complain of the first tensor whose shape is not that of its parameter."""
    for theirs, ours in names.items():
        found, expected = file.tensors[theirs].shape, tuple(skeleton.get_parameter(ours).shape)
        if found != expected:
            raise UserError(
                f"model.base: {file.path}: the tensor {theirs} has the shape {found}, expected {expected}",
                "Fetch the file again, or use another model.",
            )
