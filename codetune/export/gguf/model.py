"""Write the merged model as a GGUF file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from codetune.export.gguf.configuration import architecture_of, config_metadata, rope_divisors
from codetune.export.gguf.tokenizer import tokenizer_metadata
from codetune.models.gguf.header import GgufFile
from codetune.models.gguf.keys import ROPE_DIVISORS
from codetune.models.gguf.weights import Values, tensor_names, to_stored
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.gguf_writing.storage import StoredTensor, choose_kind, write_file
from codetune.models.load import LoadedModel

_FILE_TYPES = {"F32": "ALL_F32"}  # all others: MOSTLY_ and the name of the type
_QUANTISATION_VERSION = 2


def write_model(
    path: Path, merged: LoadedModel, wanted: str, metadata: dict[str, Any], base: GgufFile | None
) -> Sequence[StoredTensor]:
    """Write a model with its tokenizer, chat template and end tokens.

    :param merged: the model.
    :param wanted: number type of the matrices, such as `Q8_0`; `choose_kind` says which tensors have another one.
    :param metadata: name, licence and so on.
    :param base: the GGUF file of the base model, whose tokenizer metadata are taken over.
    :returns: the tensors of the file.
    :raises NotConvertibleError: when the family or the tokenizer cannot be converted.
    """
    from gguf import LlamaFileType

    model, architecture = merged.model, architecture_of(merged.model.config)
    sizes = config_metadata(model.config)
    rows = model.get_input_embeddings().weight.shape[0]
    head = {
        "general.type": "model",
        **metadata,
        "general.file_type": int(LlamaFileType[_FILE_TYPES.get(wanted, f"MOSTLY_{wanted}")]),
        "general.quantization_version": _QUANTISATION_VERSION,
    }
    tensors = _tensors(architecture, model, wanted)
    write_file(
        path, architecture, head | sizes | tokenizer_metadata(merged.tokenizer, merged.end_ids, rows, base), tensors
    )
    return tensors


def _tensors(architecture: str, model: Any, wanted: str) -> list[StoredTensor]:
    """Return the tensors of a model, by the names of llama.cpp."""
    convert, tensors = to_stored(architecture, model.config), []
    for name, parameter in tensor_names(architecture, model).items():
        if name.startswith("None."):
            raise NotConvertibleError(f"{parameter} has no tensor in GGUF files of the architecture {architecture}")
        weight = model.get_parameter(parameter)
        shape = tuple(weight.shape)
        tensors.append(
            StoredTensor(name, shape, choose_kind(name, shape, wanted), partial(_form, convert, name, weight))
        )
    divisors = rope_divisors(model.config)
    if divisors is not None:
        kind = choose_kind(ROPE_DIVISORS, divisors.shape, "F32")
        tensors.append(StoredTensor(ROPE_DIVISORS, divisors.shape, kind, lambda: divisors))
    return tensors


def _form(convert: Any, name: str, weight: Any) -> Values:
    """Return the values of a weight in the form that llama.cpp expects."""
    values: Values = convert(name, weight.detach().float().numpy())
    return values
