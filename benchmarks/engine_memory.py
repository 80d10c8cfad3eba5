"""Measure the memory of a base model and three adapters in llama.cpp, against the size of the base's file.

Resident pages of the process of llama.cpp are counted, also those that are mapped from files. Every model answers once,
so that all of its weights are in memory. The weights are the pages of the base's file, and what the process grows by
because of the adapters. The rest is working memory: keys, values and results of layers. It is printed too, so that a
second copy of the base's weights would be seen there; so is the growth of this process, which holds the tokenizers.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.engines import BASE, line
from codetune.core.workers import cores
from codetune.generation.engines.engine import EngineLimits, EngineModels
from codetune.generation.sampling import SamplingSettings

ADAPTER = Path("models/adapter")
_WEIGHTS = "adapter_model.safetensors"
_ADAPTERS, _CONTEXT, _TIMES_FILE = 3, 256, 1.4
_SETTINGS = SamplingSettings(max_new_tokens=16)
_QUESTION = [{"role": "user", "content": "Write a function that adds two numbers."}]


@dataclass(frozen=True)
class _Resident:
    """Resident memory of an engine, in bytes.

    :param engine: of the process of llama.cpp.
    :param mapped: the part of it that is mapped from GGUF files.
    :param here: growth of this process.
    """

    engine: int
    mapped: int
    here: int


def engine_memory() -> None:
    """Print the memory of the weights against the base's file, working memory, and the growth of this process."""
    if not ADAPTER.is_dir():
        print(f"memory of a base and {_ADAPTERS} adapters: not measured: there is no {ADAPTER}")
        return
    [file] = Path(BASE).glob("*.gguf")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapters: dict[str, Path | None] = {"base": None, **_make_adapters(folder)}
        alone = _resident({"base": None}, folder)
        together = _resident(adapters, folder)
    weights = alone.mapped + together.engine - alone.engine
    times = weights / file.stat().st_size
    line(
        f"weights of a base and {_ADAPTERS} adapters in memory",
        f"{weights / 1e6:.0f} MB ({alone.mapped / 1e6:.0f} MB of the base), {times:.2f} times the base's file",
        f"{_TIMES_FILE}", reached=times <= _TIMES_FILE,
    )  # fmt: skip
    print(
        f"    besides: {(alone.engine - alone.mapped) / 1e6:.0f} MB of llama.cpp, its libraries and {_CONTEXT} tokens "
        f"of context; {together.here / 1e6:.0f} MB in this process, {alone.here / 1e6:.0f} MB with the base alone"
    )


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


def _resident(adapters: dict[str, Path | None], folder: Path) -> _Resident:
    """Return the memory of an engine whose models have all answered."""
    from codetune.generation.engines.llama_cpp import LlamaCppEngine

    known = set(psutil.Process().children())
    before = psutil.Process().memory_info().rss
    engine = LlamaCppEngine(EngineModels(BASE, None, adapters, {}), EngineLimits(1, _CONTEXT, cores(), folder))
    try:
        for name in engine.models:
            engine.answer_ids(name, engine.prompt(name, _QUESTION), _SETTINGS)
        [process] = set(psutil.Process().children()) - known
        maps = process.memory_maps(grouped=True)
        mapped = sum(place.rss for place in maps if place.path.endswith(".gguf"))
        return _Resident(process.memory_info().rss, mapped, psutil.Process().memory_info().rss - before)
    finally:
        engine.close()
