"""Write a LoRA adapter as a GGUF file that llama.cpp adds to the base model at run time.

The stage `export` writes the file that users get, and the engine `llama.cpp` the one that it loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from codetune.core.errors import UserError
from codetune.models.gguf.header import read_gguf
from codetune.models.gguf.weights import Values, dequantised, tensor_names, to_stored
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.gguf_writing.storage import StoredTensor, choose_kind, exceeds, write_file

_WRAPPER = "base_model.model."
# Settings of peft with which an adapter is more than products of two matrices, or no such product of plain matrices.
_NOT_HELD = (
    "use_dora", "modules_to_save", "trainable_token_indices", "alora_invocation_tokens", "lora_bias", "fan_in_fan_out",
    "use_bdlora", "use_qalora", "target_parameters", "layer_replication",
)  # fmt: skip

BASE_DIGEST = "codetune.base.sha256"
"""The metadata key with the sha256 of the base model's GGUF file, to find an adapter for another base."""

TEMPLATE = "tokenizer.chat_template"
"""The metadata key with the chat template."""


@dataclass(frozen=True)
class LoraPair:
    """The two matrices of one module: the module's weight grows by `scaling * b @ a`.

    :param module: the name of the module in the base model.
    :param a: shape `(rank, inputs)`.
    :param b: shape `(outputs, rank)`.
    :param scaling: the factor that peft multiplies the product with.
    """

    module: str
    a: Values
    b: Values
    scaling: float


@dataclass(frozen=True)
class Lora:
    """An adapter: its matrices, and the value of `alpha` that is stored with them."""

    pairs: tuple[LoraPair, ...]
    alpha: float


def check_form(config: Mapping[str, Any]) -> None:
    """Check that an adapter changes weight matrices by products of two matrices, and nothing else.

    :param config: the settings of peft, as in adapter_config.json.
    :raises NotConvertibleError: when it does not.
    """
    if config.get("peft_type") != "LORA":
        raise NotConvertibleError(f"the adapter has the type {config.get('peft_type')}, expected LORA")
    held = [name for name in _NOT_HELD if config.get(name)]
    held += ["bias"] if config.get("bias", "none") != "none" else []
    if held:
        raise NotConvertibleError(f"the adapter has {held[0]}, which GGUF adapters cannot hold")


def read_lora(tuned: Any) -> Lora:
    """Return the matrices of an adapter.

    :param tuned: the base model with the adapter beside it, a PeftModel.
    :raises NotConvertibleError: when the adapter changes more than weight matrices by products of two matrices.
    """
    from peft.tuners.lora import LoraLayer

    config = tuned.peft_config["default"]
    check_form(config.to_dict())
    layers = {name: module for name, module in tuned.named_modules() if isinstance(module, LoraLayer)}
    return Lora(tuple(_pair(name, layer) for name, layer in layers.items()), float(config.lora_alpha))


def _pair(name: str, layer: Any) -> LoraPair:
    module = name.removeprefix(_WRAPPER)
    if "default" not in layer.lora_A:
        raise NotConvertibleError(f"the adapter changes the embeddings {module}, which is not supported")
    a, b = (matrix["default"].weight.detach().float().numpy().copy() for matrix in (layer.lora_A, layer.lora_B))
    return LoraPair(module, a, b, float(layer.scaling["default"]))


def write_adapter(
    path: Path, lora: Lora, architecture: str, model: Any, wanted: str, metadata: Mapping[str, Any]
) -> Sequence[StoredTensor]:
    """Write the adapter, read the file back, and compare.

    :param lora: the adapter.
    :param architecture: the name of the base model's architecture in llama.cpp.
    :param model: the base model; only its configuration and the names of its weights are used.
    :param wanted: number type of the matrices, `F16` or `F32`.
    :param metadata: name, licence, chat template and so on.
    :returns: the tensors of the file.
    :raises NotConvertibleError: when a module has no tensor in GGUF, or a value is too large for the number type.
    :raises UserError: when the chat template that was read back differs, or a value by more than rounding explains.
    """
    names = {parameter: name for name, parameter in tensor_names(architecture, model).items()}
    convert = to_stored(architecture, model.config)
    tensors: list[StoredTensor] = []
    for pair in lora.pairs:
        name = names.get(f"{pair.module}.weight", "None.")
        if name.startswith("None."):
            raise NotConvertibleError(f"the adapter changes {pair.module}, which has no tensor of its own in GGUF")
        # llama.cpp multiplies by alpha / rank; another factor (rslora, patterns) goes into the second matrix.
        factor = np.float32(pair.scaling * len(pair.a) / lora.alpha)
        for end, values in (("lora_a", pair.a), ("lora_b", convert(name, pair.b) * factor)):
            kind = choose_kind(name, values.shape, wanted)
            tensors.append(StoredTensor(f"{name}.{end}", values.shape, kind, partial(_same, values)))
    head = {"general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": lora.alpha}
    write_file(path, architecture, {**head, **metadata}, tensors)
    _check(path, tensors, metadata.get(TEMPLATE))
    return tensors


def _same(values: Values) -> Values:
    return values


def _check(path: Path, tensors: Sequence[StoredTensor], template: str | None) -> None:
    file = read_gguf(path)
    if file.metadata.get(TEMPLATE) != template:
        raise UserError(f"the chat template of {path.name} differs after reading it back", "Check the disk.")
    for tensor in tensors:
        if exceeds(tensor.values(), dequantised(file, tensor.name), tensor.kind.name):
            raise UserError(f"{path.name}: {tensor.name} differs after reading it back", "Check the disk.")
