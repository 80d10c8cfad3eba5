"""Where the base is trained, and in which precision."""

from __future__ import annotations

import os
import platform
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from codetune.numerics import Mode


@dataclass(frozen=True)
class Device:
    """A place to train at.

    :param kind: of torch's names, `cpu` or `cuda`.
    :param precision: of the layers' products; the weights, the loss and the optimizer's state are float32 always.
    """

    kind: str = "cpu"
    precision: torch.dtype = torch.float32

    def products(self) -> AbstractContextManager[None]:
        """Within it, products are computed in the precision; for the calling thread alone."""
        return torch.autocast(self.kind, self.precision, enabled=self.precision != torch.float32)

    def description(self) -> str:
        """The kind of hardware, for the provenance."""
        name = torch.finfo(self.precision).dtype
        if self.kind == "cuda":
            return f"{torch.cuda.get_device_name()}, {name}"
        return f"{os.cpu_count()} CPU cores, {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {name}"


def choose_device(mode: Mode) -> Device:
    """CUDA where there is one, else the processor; bfloat16 where it is faster than float32.

    On processors that is where they have instructions for it (AVX512-BF16, AMX) and the mode lets torch use them:
    without, such products are emulated, at a hundredth of the speed.
    """
    if torch.cuda.is_available():
        return Device("cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32)
    fast = mode == "fast" and torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 (all that have AMX have it too)
    return Device("cpu", torch.bfloat16 if fast else torch.float32)
