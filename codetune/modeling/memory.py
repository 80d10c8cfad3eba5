"""How many weights a model has, and the number type in which they fit into memory."""

from __future__ import annotations

from math import prod
from pathlib import Path

import psutil
import torch

from codetune.errors import UserError
from codetune.modeling.shapes import tensor_shapes


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
    free = psutil.virtual_memory().available
    for dtype in (torch.float32, torch.bfloat16):
        if parameters * dtype.itemsize <= free:
            return dtype
    raise UserError(
        f"model.base: {base} takes {parameters * 4 / 1e9:.1f} GB of memory as float32 and "
        f"{parameters * 2 / 1e9:.1f} GB as bfloat16, and {free / 1e9:.1f} GB are free",
        "Set model.base to a smaller model, or free some memory.",
    )
