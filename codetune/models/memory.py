"""The shapes of a model's tensors by the headers of its files, and the number type in which they fit into memory."""

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
            f"model.base: {path} cannot be loaded: {error_text(error)}", "Restore the safetensors files."
        ) from None


def count_weights(place: Path) -> int:
    """How many weights a model has, by the headers of its files.

    :param place: as `locate_model` gives it.
    :raises UserError: when a file is damaged.
    """
    return sum(map(prod, tensor_shapes(place)))


def choose_dtype(parameters: int, base: str) -> torch.dtype:
    """float32 where that many weights fit into the memory that is free, bfloat16 where only that does.

    :param base: how the model is named in params.yaml, for the message.
    :raises UserError: when neither fits, with the figures.
    """
    import torch

    free = psutil.virtual_memory().available
    for dtype in (torch.float32, torch.bfloat16):
        if parameters * dtype.itemsize <= free:
            return dtype
    raise UserError(
        f"model.base: {base} takes {parameters * 4 / 1e9:.1f} GB of memory as float32 and "
        f"{parameters * 2 / 1e9:.1f} GB as bfloat16, and {free / 1e9:.1f} GB are free",
        "Set model.base to a smaller model, or free some memory.",
    )
