"""The same bits everywhere: numerics are fixed here, before torch is imported.

Reads nothing but the `numerics` section of params.yaml. Import this module first, call `fix`, then import torch.
"""

from __future__ import annotations

import os
import sys
from typing import ClassVar, Literal

from pydantic import Field

from codetune.config import Section, load_section

Mode = Literal["strict", "portable", "fast"]

_AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
ENVIRONMENT: dict[str, dict[str, str]] = {
    "strict": {**_AVX2, "MKL_CBWR": "AVX2,STRICT"},
    "portable": {**_AVX2, "MKL_CBWR": "COMPATIBLE"},
    "fast": {},
}
_CONTROLLED = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR")


class NumericsParams(Section):
    """The `numerics` section of params.yaml."""

    section: ClassVar[str] = "numerics"
    mode: Mode = Field(
        description="strict: same bytes for any thread count on x86-64 processors with AVX2 of one vendor; "
        "portable: across vendors too, slower, on one thread; fast: what torch does by itself."
    )
    threads: int = Field(
        ge=0, le=256, description="CPU threads; 0 takes all cores. Changes no result unless fast; portable takes one."
    )


def fix(params: NumericsParams | None = None) -> NumericsParams:
    """Set the processor paths of torch, oneDNN and MKL, the thread count and offline defaults.

    :param params: the section; read from params.yaml when not given.
    :raises RuntimeError: when torch was imported before under other settings (a mistake of the programmer's).
    """
    params = params or load_section(NumericsParams)
    wanted = ENVIRONMENT[params.mode]
    if "torch" in sys.modules and any(os.environ.get(key) != value for key, value in wanted.items()):
        raise RuntimeError("numerics.fix() must run before torch is imported")
    for key in _CONTROLLED:
        os.environ.pop(key, None)
    os.environ.update(wanted)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without, CUDA's products refuse to be deterministic
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import torch

    together = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # processes that torchrun starts share the cores
    threads = params.threads or max(1, (os.cpu_count() or 1) // together)
    # MKL's products for all processors depend on how their rows are shared out to threads.
    torch.set_num_threads(1 if params.mode == "portable" else threads)
    torch.use_deterministic_algorithms(True)
    return params


def digest_settings(params: NumericsParams) -> str:
    """The settings that a number depends on, for its signature, such as `strict`."""
    return params.mode
