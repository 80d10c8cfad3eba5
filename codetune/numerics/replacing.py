"""Replace what torch computes an operator with, on the processor."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch

Kernel = Callable[..., Any]
_KEPT: dict[str, torch.library.Library] = {}  # what is registered lasts as long as this


def replace(kernels: Mapping[str, Kernel]) -> None:
    """Have the operators of these names computed so, for as long as the process lasts; what is replaced stays so."""
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Warning only once for all operators")  # that one is replaced
        for name in kernels.keys() - _KEPT:
            library.impl(name, kernels[name], "CPU")  # type: ignore[no-untyped-call]
            _KEPT[name] = library


def torchs_own(name: str) -> Kernel:
    """What torch computes the operator with, where that is not replaced yet."""
    kernel = torch.library.get_kernel(getattr(torch.ops.aten, name).default, "CPU")
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)  # noqa: SLF001
    return lambda *arguments, **named: kernel.call_boxed(keys, *arguments, **named)
