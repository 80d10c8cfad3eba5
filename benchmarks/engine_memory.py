"""Measure the memory of a base model and three adapters in llama.cpp, against the size of the base's file.

Resident pages of the engine's process and of this one are counted, also those that are mapped from files. Every model
answers once, so that all of its weights are in memory. The context is short, because the memory of keys and values does
not belong to the weights.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.engines import ANSWER_TOKENS, BASE, PROMPT_TOKENS, line, long_prompts
from codetune.core.errors import UserError
from codetune.core.workers import cores
from codetune.generation.engines.engine import EngineLimits, EngineModels
from codetune.generation.sampling import SamplingSettings

ADAPTER = Path("models/adapter")
_WEIGHTS = "adapter_model.safetensors"
_ADAPTERS, _TOKENS, _TIMES_FILE = 3, 16, 1.4
_IMPORTED = "import xllamacpp; print(flush=True); input()"


@dataclass(frozen=True)
class _Resident:
    """Resident memory in bytes: of this process, and of the process of llama.cpp."""

    here: int
    engine: int


def engine_memory() -> None:
    """Print the growth of both processes, and the part of it that depends on weights."""
    if not ADAPTER.is_dir():
        print(f"memory of a base and {_ADAPTERS} adapters: not measured: there is no {ADAPTER}")
        return
    [file] = Path(BASE).glob("*.gguf")
    size, imported = file.stat().st_size, _imported()
    with tempfile.TemporaryDirectory() as folder:
        adapters = _make_adapters(Path(folder))
        _resident({"base": None}, Path(folder))  # imports, and reads the file into the page cache
        before = psutil.Process().memory_info().rss
        alone = _resident({"base": None}, Path(folder))
        together = _resident({"base": None, **adapters}, Path(folder))
    added = max(0, together.engine - alone.engine) + max(0, together.here - alone.here)
    weights = alone.mapped + added
    print(f"{'growth of the process of llama.cpp, with working memory':58} {(together.engine - imported) / 1e6:.0f} MB")


def _make_adapters(folder: Path) -> dict[str, Path]:
    """Write adapters that differ from each other in all values."""
    from safetensors.torch import load_file, save_file

    made = {}
    for place in range(_ADAPTERS):
        path = folder / f"adapter{place}"
        shutil.copytree(ADAPTER, path)
        weights = {name: weight * (1 + place / 8) for name, weight in load_file(path / _WEIGHTS).items()}
        save_file(weights, path / _WEIGHTS)
        made[path.name] = path
    return made
