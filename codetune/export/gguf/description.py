"""Describe the exported model in GGUF metadata: name, licence and base model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_HUB = "https://huggingface.co/"


def general_metadata(base: str, provenance: dict[str, Any] | None) -> dict[str, Any]:
    """Return the metadata that name the model. They contain no path of this machine.

    :param base: the value of `model.base`.
    :param provenance: the provenance of the base model, which has its original hub id and its licence if it is known.
    """
    known = provenance or {}
    original = str(known.get("original") or base)
    on_hub = "original" in known or (_HUB_ID.fullmatch(original) is not None and not Path(original).exists())
    organisation, _, name = original.rpartition("/")
    values: dict[str, Any] = {"general.name": f"{Path(name).stem if not on_hub else name}, tuned"}
    if "license" in known:
        values["general.license"] = known["license"].lower()
    values |= {"general.base_model.count": 1, "general.base_model.0.name": name}
    if on_hub and organisation:
        values |= {
            "general.base_model.0.organization": organisation,
            "general.base_model.0.repo_url": f"{_HUB}{original}",
        }
    return values | {"general.tags": ["code", "python", "lora", "codetune", "text-generation"]}
