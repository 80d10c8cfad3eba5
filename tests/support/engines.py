"""The models of the real engines in tests: a tiny GGUF base and two adapters for it."""

from __future__ import annotations

from pathlib import Path

from gguf import GGMLQuantizationType as Kind

from codetune.generation.engines.engine import EngineLimits, EngineModels
from tests.conftest import make_adapter
from tests.models.gguf_files import make_gguf


def make_models(folder: Path) -> EngineModels:
    """A tiny GGUF base in 32-bit numbers, and two adapters for it."""
    base = make_gguf(folder / "base.gguf", kind=Kind.F32)
    adapters = {f"tuned@{seed}": make_adapter(base, folder / f"adapter{seed}", seed) for seed in (4, 5)}
    named = {"base": None, "tuned": adapters["tuned@4"], "tuned@5": adapters["tuned@5"]}
    return EngineModels(str(base), None, named, dict.fromkeys(named, "none"))


def limits(folder: Path, *, slots: int = 2, context: int = 0) -> EngineLimits:
    return EngineLimits(slots=slots, context=context, threads=1, cache=folder / "cache")
