"""Read the header of a GGUF file: its metadata, and the position of each tensor. Nothing is dequantised here.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The reader of the `gguf` package makes several
numpy views of each string and needs seconds for a vocabulary. This reader needs a tenth of a second.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codetune.core.errors import UserError

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_MAX_NESTING = 2
# The number types of GGUF by their ids, as format characters of `struct`.
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_REMEDY = "Download the file again."


@dataclass(frozen=True)
class TensorInfo:
    """The position and type of a tensor in the file.

    :param shape: the shape in the order of torch: the last dimension is contiguous.
    :param kind: the quantisation type.
    :param offset: position of the first byte, from the beginning of the file.
    :param size: size in bytes.
    """

    shape: tuple[int, ...]
    kind: GGMLQuantizationType
    offset: int
    size: int


@dataclass(frozen=True)
class GgufFile:
    """The header of a GGUF file.

    :param path: the file.
    :param metadata: values by key.
    :param tensors: positions and types of the tensors, by name.
    """

    path: Path
    metadata: dict[str, Any]
    tensors: dict[str, TensorInfo]

    @property
    def architecture(self) -> str:
        """Return the name of the architecture in llama.cpp, such as `llama`."""
        return str(self.metadata["general.architecture"])

    def get(self, key: str, default: Any = None) -> Any:
        """Return a metadata value of the architecture: `block_count` reads `llama.block_count` in a llama file."""
        return self.metadata.get(f"{self.architecture}.{key}", default)

    def make_error(self, why: str, remedy: str = "Use another model, or a folder with its safetensors.") -> UserError:
        """Return the error for a file that cannot be used.

        :param why: the rest of the sentence after the file name, such as "holds no tokenizer".
        :param remedy: what the user can do.
        """
        return UserError(f"model.base: {self.path} {why}", remedy)

    def raw(self, name: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return the stored bytes of a tensor, of shape `(rows, bytes per row)`, as a read-only view of the file."""
        place = self.tensors[name]
        mapped = np.memmap(self.path, np.uint8, "r", place.offset, (place.size,))
        return mapped.reshape(prod(place.shape[:-1]), -1)


def is_gguf(path: Path) -> bool:
    """Return whether `path` is a file that begins with the magic bytes of GGUF. The suffix does not matter."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def read_gguf(path: Path) -> GgufFile:
    """Read the header of a GGUF file, and check that all its tensors lie within the file.

    :raises UserError: when it is not a GGUF file, has an unsupported version, is one part of a split model, is cut
        short, or is damaged.
    """
    if not is_gguf(path):
        raise UserError(f"model.base: {path} is not a GGUF file", "Use a file that begins with the letters GGUF.")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        cursor = _Cursor(data)
        try:
            metadata, tensors = _read_header(path, cursor)
        except (struct.error, _CutShortError):
            raise UserError(f"model.base: {path} is cut short: it ends within its header", _REMEDY) from None
        except (ValueError, OverflowError, RecursionError) as error:
            raise UserError(f"model.base: the header of {path} is damaged: {error}", _REMEDY) from None
        last = max(tensors.items(), key=lambda item: item[1].offset + item[1].size, default=None)
        if last is not None and last[1].offset + last[1].size > len(data):
            raise UserError(
                f"model.base: {path} is cut short: it has {len(data)} bytes, but its tensor {last[0]} ends at byte "
                f"{last[1].offset + last[1].size}",
                _REMEDY,
            )
    return GgufFile(path, metadata, tensors)


class _CutShortError(Exception):
    """The file ends before a value that its header announces."""


class _Cursor:
    """Reads values from the file, one after another."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.place = 0

    def numbers(self, form: str) -> tuple[Any, ...]:
        """Read numbers: little-endian, without padding.

        :param form: a format of `struct`, without the byte order.
        """
        form = f"<{form}"
        found = struct.unpack_from(form, self._data, self.place)
        self.place += struct.calcsize(form)
        return found

    def text(self) -> str:
        """Read a string: its length in bytes, then the text in UTF-8."""
        (size,) = struct.unpack_from("<Q", self._data, self.place)
        start = self.place + 8
        if size > len(self._data) - start:
            raise _CutShortError
        self.place = start + size
        return self._data[start : self.place].decode("utf-8", errors="replace")

    def value(self, depth: int = 0, kind: int | None = None) -> Any:
        """Read a metadata value. An array is returned as a list.

        :param depth: number of arrays around the value.
        :param kind: the type id of the value; None: read it from the file first.
        """
        if kind is None:
            (kind,) = self.numbers("I")
        if kind == _STRING:
            return self.text()
        if kind in _NUMBERS:
            return self.numbers(_NUMBERS[kind])[0]
        if kind != _ARRAY or depth == _MAX_NESTING:
            raise ValueError(f"a value has the type {kind}, inside {depth} arrays")
        inner, count = self.numbers("IQ")
        if count > len(self._data) - self.place:
            raise _CutShortError
        if inner in _NUMBERS:
            return list(self.numbers(f"{count}{_NUMBERS[inner]}"))
        return [self.value(depth + 1, inner) for _ in range(count)]


def _read_header(path: Path, cursor: _Cursor) -> tuple[dict[str, Any], dict[str, TensorInfo]]:
    """Read the metadata and the tensors of a file whose magic bytes were checked."""
    cursor.place = len(MAGIC)
    (version,) = cursor.numbers("I")
    if version not in _VERSIONS:
        raise UserError(
            f"model.base: {path} has GGUF version {version}, expected {' or '.join(map(str, _VERSIONS))}, "
            "little-endian",
            "Convert the model with a newer llama.cpp.",
        )
    tensor_count, value_count = cursor.numbers("QQ")
    metadata = {cursor.text(): cursor.value() for _ in range(value_count)}
    if not isinstance(metadata.get("general.architecture"), str):
        raise UserError(f"model.base: {path} names no architecture", "Use a file that llama.cpp can read.")
    if metadata.get("split.count", 1) > 1:
        raise UserError(
            f"model.base: {path} is one part of {metadata['split.count']}",
            "Join the parts with llama-gguf-split --merge.",
        )
    listed = [(cursor.text(), *_read_place(path, cursor)) for _ in range(tensor_count)]
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        raise ValueError(f"general.alignment is {alignment}")
    start = -(-cursor.place // alignment) * alignment
    tensors = {name: TensorInfo(shape, kind, start + offset, size) for name, shape, kind, offset, size in listed}
    return metadata, tensors


def _read_place(path: Path, cursor: _Cursor) -> tuple[tuple[int, ...], GGMLQuantizationType, int, int]:
    """Read the shape, type, offset within the data section, and size of one tensor."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    (dimensions,) = cursor.numbers("I")
    shape = tuple(reversed(cursor.numbers(f"{dimensions}Q")))
    number, offset = cursor.numbers("IQ")
    try:
        kind = GGMLQuantizationType(number)
    except ValueError:
        raise UserError(
            f"model.base: {path} holds tensors of an unknown quantisation (type {number})",
            "Use another quantisation of the model, such as Q8_0 or Q4_K_M.",
        ) from None
    block, size = GGML_QUANT_SIZES[kind]
    if not shape or shape[-1] % block:
        raise ValueError(f"a tensor of shape {shape} cannot have the type {kind.name}")
    return shape, kind, offset, prod(shape) // block * size
