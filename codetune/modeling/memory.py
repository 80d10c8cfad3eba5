"""The number type in which the weights of a model fit into memory."""

from __future__ import annotations

import psutil
import torch

from codetune.errors import UserError


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
