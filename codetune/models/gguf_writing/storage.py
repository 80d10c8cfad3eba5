"""Write a GGUF file, and bound the errors of its number types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codetune.models.gguf.weights import Values
from codetune.models.gguf_writing.failure import NotConvertibleError

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType

_FINE = ("token_embd.weight", "output.weight")
"""Matrices that keep 8 bits in files of 4 or 5 bits: each answer token depends on them most directly."""
_COARSE = ("Q4_0", "Q4_1", "Q5_0", "Q5_1")
_HALF_STEP, _SMALLEST_STEP = 2.0**-11, 2.0**-25  # of float16: half a step, relative; half of the smallest step
_LARGEST_HALF = 65504.0
# Of each type: the largest error as a share of the block's largest value or of its range, and the largest quantised
# number, by which the rounding of the scale (a float16) is multiplied. Q4_0 and Q5_0 cut the far end of a block by up
# to one step, all other types round to the nearest step.
_LARGEST = {"Q8_0": (1 / 254, 127), "Q4_0": (1 / 8, 8), "Q5_0": (1 / 16, 16)}
_RANGE = {"Q4_1": (1 / 30, 15), "Q5_1": (1 / 62, 31)}
_FLOAT_ERRORS = 1e-6  # of the arithmetic in float32, relative


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of a file that is written.

    :param name: the name in the file.
    :param shape: the shape in the order of torch.
    :param kind: the number type in the file.
    :param values: returns the values in float32, of this shape, in the form that llama.cpp expects.
    """

    name: str
    shape: tuple[int, ...]
    kind: GGMLQuantizationType
    values: Callable[[], Values]

    @property
    def size(self) -> int:
        """Return the number of bytes in the file."""
        from gguf import GGML_QUANT_SIZES

        block, size = GGML_QUANT_SIZES[self.kind]
        return int(prod(self.shape) // block * size)


def choose_kind(name: str, shape: tuple[int, ...], wanted: str) -> GGMLQuantizationType:
    """Return the number type of a tensor in a file of the type `wanted`.

    Vectors are float32, as llama.cpp needs them. Rows that do not consist of whole blocks are float16. Embeddings keep
    8 bits where the type has fewer.

    :param wanted: the name of a type in the gguf package, such as `Q8_0`.
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if len(shape) == 1:
        return GGMLQuantizationType.F32
    kind = GGMLQuantizationType["Q8_0" if wanted in _COARSE and name in _FINE else wanted]
    return kind if shape[-1] % GGML_QUANT_SIZES[kind][0] == 0 else GGMLQuantizationType.F16


def write_file(path: Path, architecture: str, metadata: Mapping[str, Any], tensors: Sequence[StoredTensor]) -> None:
    """Write a GGUF file. The same arguments give the same bytes. One tensor is in memory at a time.

    :param architecture: the name of the architecture in llama.cpp.
    :param metadata: values by key. Whole numbers are stored as uint32, other numbers as float32.
    :raises NotConvertibleError: when a value is too large for float16.
    """
    from gguf import GGUFWriter, quantize

    writer = GGUFWriter(path, architecture)
    try:
        for key, value in metadata.items():
            _add(writer, key, value)
        for tensor in tensors:
            writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), tensor.size, raw_dtype=tensor.kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in tensors:
            values = np.ascontiguousarray(tensor.values(), np.float32)
            _check_range(tensor, values)
            writer.write_tensor_data(quantize(values, tensor.kind))
    finally:
        writer.close()


def _add(writer: Any, key: str, value: Any) -> None:
    """Add a metadata value with the type that llama.cpp expects."""
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    else:
        writer.add_array(key, value)


def _check_range(tensor: StoredTensor, values: Values) -> None:
    largest = float(np.abs(values).max(initial=0.0))
    if tensor.kind.name not in {"F32", "BF16"} and not largest <= _LARGEST_HALF:
        raise NotConvertibleError(f"{tensor.name} holds the value {largest:g}, too large for {tensor.kind.name}")


def largest_errors(values: Values, kind: str) -> Values:
    """Return the largest error that storing can cause, for each value.

    :param values: of any shape; each block lies within a row.
    :param kind: the number type, such as `Q4_1`.
    :returns: an array that broadcasts with `values` cut into blocks, of shape `(blocks, block size or 1)`.
    """
    if kind == "F32":
        return np.zeros((1, 1), np.float32)
    if kind in {"F16", "BF16"}:
        share = _HALF_STEP if kind == "F16" else 2.0**-8
        return np.asarray(np.abs(values).reshape(-1, 1) * share + _SMALLEST_STEP, np.float32)
    blocks = values.reshape(-1, 32)
    largest = np.abs(blocks).max(axis=1, keepdims=True)
    if kind in _LARGEST:
        share, steps = _LARGEST[kind]
        scale = largest * (share + _HALF_STEP)
    else:
        share, steps = _RANGE[kind]
        spread = blocks.max(axis=1, keepdims=True) - blocks.min(axis=1, keepdims=True)
        scale = spread * (share + _HALF_STEP) + largest * _HALF_STEP
    return np.asarray(scale + (steps + 1) * _SMALLEST_STEP + largest * _FLOAT_ERRORS, np.float32)


def exceeds(values: Values, found: Values, kind: str) -> bool:
    """Return whether a stored value differs by more than its number type explains. NaN counts as different.

    :param values: the values that were stored.
    :param found: the values that were read back, of the same shape.
    """
    allowed = largest_errors(values, kind)
    difference = np.abs(values - found)
    return not bool((difference.reshape(len(allowed), -1) <= allowed).all())
