"""Where a model is computed."""

from __future__ import annotations

import torch

from codetune.core.errors import UserError
from codetune.models.params import DeviceName


def require_device(wanted: DeviceName, key: str) -> str:
    """`cpu` or `cuda`, as wanted; `auto` takes CUDA where there is one.

    :param key: the parameter, for the message.
    :raises UserError: when CUDA is wanted and there is none, with what this torch was built for.
    """
    if wanted == "cpu" or torch.cuda.is_available():
        return "cpu" if wanted == "cpu" else "cuda"
    if wanted == "auto":
        return "cpu"
    cuda = torch.version.cuda
    built = f"torch {torch.__version__} is built {f'for CUDA {cuda}' if cuda else 'without it'}"
    raise UserError(f"{key}: expected a CUDA device, found none ({built})", f"Set {key}: cpu, or auto.")
