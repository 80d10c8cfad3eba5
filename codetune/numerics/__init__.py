"""The same bits everywhere: numerics are fixed here, before torch is imported.

Reads nothing but the `numerics` section of params.yaml. Import this module first, call `fix`, then import torch.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from codetune.core.config import Section, load_section
from codetune.core.workers import cores

Mode = Literal["portable", "strict", "fast"]
_MANY_ROWS = 64  # of a product, as training has them
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h

_AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
# oneDNN and torch each keep the routines made for the last shapes of products: by default so many that a training holds
# hundreds of megabytes of them, for lengths that do not come again.
_FEW_ROUTINES = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128", "LRU_CACHE_CAPACITY": "128"}
# How often a thread that waits for another's part of an operator looks for it before it sleeps. libgomp's default is
# 300,000 times. That takes milliseconds, and where other processes want the cores too, the other thread may be waiting
# for that very core. Sleeping at once is slower on a quiet machine (reports/LOG.md).
_SHORT_WAITS = {"GOMP_SPINCOUNT": "1000"}
ENVIRONMENT: dict[str, dict[str, str]] = {
    "strict": {**_SHORT_WAITS, **_AVX2, "MKL_CBWR": "AVX2,STRICT"},
    "portable": {**_SHORT_WAITS, **_AVX2, **_FEW_ROUTINES, "MKL_CBWR": "COMPATIBLE"},
    "fast": _SHORT_WAITS,
}
CONTROLLED = sorted({key for settings in ENVIRONMENT.values() for key in settings})
"""The environment variables that some mode sets, and every mode clears first."""


_fixed: list[NumericsParams] = []


class NumericsParams(Section):
    """How torch computes: processor paths and threads."""

    section: ClassVar[str] = "numerics"
    mode: Mode = Field(
        description="portable: the same bytes for any number of threads on every x86-64 processor with AVX2. strict: "
        "faster, the same bytes only on processors of one vendor. fast: torch as it is, with the faster library for "
        "matrix products; no promise"
    )
    threads: int = Field(ge=0, le=256, description="CPU threads; 0: all cores. Changes no result unless mode is fast")


def fix(params: NumericsParams | None = None) -> NumericsParams:
    """Set the processor paths of torch, oneDNN and MKL, the thread count, offline defaults, and keep freed memory.

    :param params: the section; read from params.yaml when not given.
    :raises RuntimeError: when torch was imported before under other settings (a mistake of the programmer's).
    """
    params = params or load_section(NumericsParams)
    wanted = ENVIRONMENT[params.mode]
    if "torch" in sys.modules and any(os.environ.get(key) != value for key, value in wanted.items()):
        raise RuntimeError("numerics.fix() must run before torch is imported")
    for key in CONTROLLED:
        os.environ.pop(key, None)
    os.environ.update(wanted)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without, CUDA's products refuse to be deterministic
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    _keep_freed_memory()
    import torch

    together = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # processes that torchrun starts share the cores
    torch.set_num_threads(params.threads or max(1, cores() // together))
    torch.use_deterministic_algorithms(True)
    # Filling memory before it is used only helps to find mistakes, and takes time at each step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    _replace_operators(params.mode)
    _fixed[:] = [params]
    return params


def fixed() -> NumericsParams:
    """The section that numerics were fixed with in this process.

    :raises RuntimeError: when `fix` has not run (a mistake of the programmer's).
    """
    if not _fixed:
        raise RuntimeError("numerics.fix() has not run: a stage is run as `python -m stages NAME`")
    return _fixed[0]


def _replace_operators(mode: Mode) -> None:
    """Where torch's own would show the number of threads, or the vendor of the processor."""
    from codetune.numerics import attention, products, sharing

    if mode == "fast":
        if _is_slow_with_mkl() and products.available():
            products.install(_MANY_ROWS)
        return
    if mode == "strict":
        sharing.install(sharing.PRODUCTS)
    elif products.available():
        products.install()
        attention.install()
    sharing.install(sharing.OPERATORS)


def _is_slow_with_mkl() -> bool:
    """Whether this is a processor of AMD's: MKL's products reach 75 % there of what oneDNN's do, both with AVX-512."""
    told = Path("/proc/cpuinfo")
    return told.is_file() and "AuthenticAMD" in told.read_text(encoding="utf-8")


def _keep_freed_memory() -> None:
    """Tell glibc's allocator, where there is one, not to give freed memory back: each step takes the same again."""
    with suppress(OSError, AttributeError, TypeError):
        allocator = ctypes.CDLL(None)
        allocator.mallopt(_TRIM_THRESHOLD, 2**30)
        allocator.mallopt(_MMAP_THRESHOLD, 2**30)
