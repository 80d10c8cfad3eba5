"""The shapes of a model's tensors, by the headers of its files."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from codetune.errors import UserError
from codetune.modeling.locate import first_line, weight_files
from codetune.models.gguf.header import is_gguf, read_gguf


def tensor_shapes(place: Path) -> list[tuple[int, ...]]:
    """The shapes of all tensors of a model; no weight is read.

    :param place: as `locate_model` gives it.
    :raises UserError: when a file is damaged.
    """
    return [shape for path in weight_files(place) for shape in _shapes(path)]


def _shapes(path: Path) -> list[tuple[int, ...]]:
    if is_gguf(path):
        return [tensor.shape for tensor in read_gguf(path).tensors.values()]
    try:
        with safe_open(path, framework="np") as file:
            return [tuple(file.get_slice(name).get_shape()) for name in file.keys()]  # noqa: SIM118 - it is no mapping
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"model.base: {path} cannot be loaded: {first_line(error)}", "Restore the safetensors files."
        ) from None
