"""The device that a model runs on."""

from __future__ import annotations

import torch

from codetune.core.errors import UserError
from codetune.models.params import DeviceName


def require_device(wanted: DeviceName, key: str) -> str:
    """Return `cpu` or `cuda`. `auto` means CUDA if a CUDA device is available, otherwise the CPU.

    :param key: the parameter that asks for the device, for the error message.
    :raises UserError: when CUDA is requested but not available; the message names the CUDA version of this torch.
    """
    if wanted == "cpu" or torch.cuda.is_available():
        return "cpu" if wanted == "cpu" else "cuda"
    if wanted == "auto":
        return "cpu"
    cuda = torch.version.cuda
    built = f"torch {torch.__version__} is built {f'for CUDA {cuda}' if cuda else 'without CUDA'}"
    raise UserError(f"{key}: expected a CUDA device, found none ({built})", f"Set {key}: cpu, or auto.")
