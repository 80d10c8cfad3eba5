"""Replace the CPU kernels of torch operators."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch

Kernel = Callable[..., Any]
_KEPT: dict[str, torch.library.Library] = {}  # torch removes a kernel when its library object is deleted


def replace(kernels: Mapping[str, Kernel]) -> None:
    """Replace the CPU kernels of torch operators for the rest of this process.

    An operator that was replaced before keeps that kernel.

    :param kernels: the new kernel of each operator, by its name in `torch.ops.aten`.
    """
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Warning only once for all operators")  # the replacement is intended
        for name in kernels.keys() - _KEPT:
            library.impl(name, kernels[name], "CPU")  # type: ignore[no-untyped-call]
            _KEPT[name] = library


def original_kernel(name: str) -> Kernel:
    """Return torch's own CPU kernel of an operator. Call this before `replace`."""
    kernel = torch.library.get_kernel(getattr(torch.ops.aten, name).default, "CPU")
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)  # noqa: SLF001
    return lambda *arguments, **named: kernel.call_boxed(keys, *arguments, **named)
