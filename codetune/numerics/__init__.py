"""Configure torch before it is imported, so that its results are the same bits in every run.

The `mode` decides on which machines this holds. Import this module first, call `fix`, then import torch. Only the
`numerics` section of params.yaml is read.
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
_MANY_ROWS = 64  # rows of the left matrix of a product, a typical number in training
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h

_AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
# oneDNN and torch each cache the routines that they generate for the last shapes of matrix products. With the default
# limits these caches take hundreds of megabytes in training, for sequence lengths that do not occur again.
_FEW_ROUTINES = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128", "LRU_CACHE_CAPACITY": "128"}
# How many times a thread that waits for another thread checks again before it sleeps. libgomp's default, 300,000, takes
# milliseconds. If other processes use the cores too, the other thread may be waiting for the core of this one. To sleep
# at once is slower on an idle machine (reports/LOG.md).
_SHORT_WAITS = {"GOMP_SPINCOUNT": "1000"}
ENVIRONMENT: dict[str, dict[str, str]] = {
    "strict": {**_SHORT_WAITS, **_AVX2, "MKL_CBWR": "AVX2,STRICT"},
    "portable": {**_SHORT_WAITS, **_AVX2, **_FEW_ROUTINES, "MKL_CBWR": "COMPATIBLE"},
    "fast": _SHORT_WAITS,
}
CONTROLLED = sorted({key for settings in ENVIRONMENT.values() for key in settings})
"""The environment variables that at least one mode sets; `fix` clears all of them first."""


_fixed: list[NumericsParams] = []


class NumericsParams(Section):
    """The `numerics` section: how torch computes, and with how many threads."""

    section: ClassVar[str] = "numerics"
    mode: Mode = Field(
        description="portable: the same bytes for any number of threads on every x86-64 processor with AVX2. strict: "
        "faster, but the same bytes only on processors of one vendor. fast: torch's defaults, with the faster library "
        "for matrix products; results can differ"
    )
    threads: int = Field(ge=0, le=256, description="CPU threads; 0: all cores. Changes results only in mode fast")


def fix(params: NumericsParams | None = None) -> NumericsParams:
    """Configure numerics for this process: instruction sets of torch, oneDNN and MKL, threads, and operators.

    It also turns off telemetry and the parallel tokenizer, and makes the allocator keep freed memory.

    :param params: the `numerics` section; read from params.yaml if not given.
    :returns: the section that was used.
    :raises RuntimeError: if torch was imported before with other settings (a programming error).
    """
    params = params or load_section(NumericsParams)
    wanted = ENVIRONMENT[params.mode]
    if "torch" in sys.modules and any(os.environ.get(key) != value for key, value in wanted.items()):
        raise RuntimeError("numerics.fix() must run before torch is imported")
    for key in CONTROLLED:
        os.environ.pop(key, None)
    os.environ.update(wanted)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else CUDA's products fail in deterministic mode
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    _keep_freed_memory()
    import torch

    together = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # processes of torchrun share the cores
    torch.set_num_threads(params.threads or max(1, cores() // together))
    torch.use_deterministic_algorithms(True)
    # To fill memory before use only helps to find bugs, and takes time in each step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    _replace_operators(params.mode)
    _fixed[:] = [params]
    return params


def fixed() -> NumericsParams:
    """Return the `numerics` section that `fix` used in this process.

    :raises RuntimeError: if `fix` has not run (a programming error).
    """
    if not _fixed:
        raise RuntimeError("numerics.fix() has not run: a stage is run as `python -m stages NAME`")
    return _fixed[0]


def _replace_operators(mode: Mode) -> None:
    """Replace the operators of torch whose results depend on the thread count or on the processor's vendor."""
    from codetune.numerics import attention, products, thread_limits

    if mode == "fast":
        if _is_slow_with_mkl() and products.available():
            products.install(_MANY_ROWS)
        return
    if mode == "strict":
        thread_limits.install(thread_limits.PRODUCTS)
    elif products.available():
        products.install()
        attention.install()
    thread_limits.install(thread_limits.OPERATORS)


def _is_slow_with_mkl() -> bool:
    """Return whether the processor is from AMD: there MKL reaches 75 % of oneDNN's speed, both with AVX-512."""
    told = Path("/proc/cpuinfo")
    return told.is_file() and "AuthenticAMD" in told.read_text(encoding="utf-8")


def _keep_freed_memory() -> None:
    """Make glibc's allocator, if present, keep freed memory: each training step needs the same amount again."""
    with suppress(OSError, AttributeError, TypeError):
        allocator = ctypes.CDLL(None)
        allocator.mallopt(_TRIM_THRESHOLD, 2**30)
        allocator.mallopt(_MMAP_THRESHOLD, 2**30)
