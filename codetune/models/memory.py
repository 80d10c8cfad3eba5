"""Read tensor shapes from the headers of model files, and choose a number type that fits into memory."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from safetensors import SafetensorError, safe_open

from codetune.core.errors import UserError, error_text
from codetune.models.gguf.header import is_gguf, read_gguf
from codetune.models.locate import weight_files

if TYPE_CHECKING:
    import torch


def tensor_shapes(place: Path) -> list[tuple[int, ...]]:
    """Return the shapes of all tensors of a model. No weights are read.

    :param place: a result of `locate_model`.
    :raises UserError: when a file is damaged.
    """
    return [shape for path in weight_files(place) for shape in _shapes(path)]


def _shapes(path: Path) -> list[tuple[int, ...]]:
    if is_gguf(path):
        return [tensor.shape for tensor in read_gguf(path).tensors.values()]
    try:
        with safe_open(path, framework="np") as file:
            return [tuple(file.get_slice(name).get_shape()) for name in file.keys()]  # noqa: SIM118 - it is not a mapping
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"model.base: {path} cannot be loaded: {error_text(error)}", "Restore the safetensors files."
        ) from None


def count_weights(place: Path) -> int:
    """Return the number of weights of a model, from the headers of its files.

    :param place: a result of `locate_model`.
    :raises UserError: when a file is damaged.
    """
    return sum(map(prod, tensor_shapes(place)))


def choose_dtype(parameters: int, base: str) -> torch.dtype:
    """Return float32 if the weights fit into free memory in float32, otherwise bfloat16.

    :param parameters: number of weights.
    :param base: the value of `model.base`, for the error message.
    :raises UserError: when the weights fit in neither type; the message has the sizes.
    """
    import torch

    free = psutil.virtual_memory().available
    for dtype in (torch.float32, torch.bfloat16):
        if parameters * dtype.itemsize <= free:
            return dtype
    raise UserError(
        f"model.base: {base} needs {parameters * 4 / 1e9:.1f} GB of memory as float32 and "
        f"{parameters * 2 / 1e9:.1f} GB as bfloat16, but {free / 1e9:.1f} GB are free",
        "Set model.base to a smaller model, or free some memory.",
    )
