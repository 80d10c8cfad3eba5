"""Write a folder that `ollama create` takes: a Modelfile beside the GGUF files that it names."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from codetune.core.errors import UserError
from codetune.export.ollama import OllamaPrompt, modelfile, ollama_prompt
from codetune.models.gguf.header import read_gguf
from codetune.publishing.exported import Json, checked_file, exported_folder, gguf_files, new_folder

MODELFILE = "Modelfile"
_LICENSE = "general.license"


@dataclass(frozen=True)
class _Parts:
    """The GGUF files of one model: the model, and the adapter if it is not merged."""

    model: Path
    adapter: Path | None = None


def write_ollama_folder(root: Path, folder: Path, kind: str | None = None) -> list[str]:
    """Write the folder.

    :param root: the folder of the project.
    :param folder: a folder that does not exist or is empty.
    :param kind: the number type of a merged model; None: the base model's file and the adapter.
    :returns: the names of the written files.
    :raises UserError: when the export lacks these files, or `folder` is not empty.
    """
    export = exported_folder(root)
    with new_folder(folder) as temporary:
        parts = _parts(root, kind)
        adapter = parts.adapter.name if parts.adapter else None
        license_name = read_gguf(parts.adapter or parts.model).metadata.get(_LICENSE)
        text = modelfile(parts.model.name, _prompt(export), adapter=adapter, license_name=license_name)
        (temporary / MODELFILE).write_text(text, encoding="utf-8")
        for path in (parts.model, *([parts.adapter] if parts.adapter else [])):
            shutil.copyfile(path, temporary / path.name)
    return sorted(path.name for path in folder.iterdir())


def _parts(root: Path, kind: str | None) -> _Parts:
    files = gguf_files(root)
    if kind is None:
        return _with_adapter(root, files)
    merged = {one["type"]: one for one in files if one["content"] == "model"}
    if kind not in merged:
        found = ", ".join(merged) or "none"
        raise UserError(
            f"the export has no merged GGUF file of type {kind} (found: {found})",
            f"Add {kind} to export.gguf.types in params.yaml and run `dvc repro export`.",
        )
    return _Parts(checked_file(root, merged[kind]["file"], merged[kind]["sha256"]))


def _with_adapter(root: Path, files: list[Json]) -> _Parts:
    """Return the base model's file and the adapter.

    :raises UserError: when there is no adapter, or when the base model did not come as a GGUF file.
    """
    adapter = next((one for one in files if one["content"] == "adapter" and "base" in one), None)
    if adapter is None:
        merged = [one["type"] for one in files if one["content"] == "model"]
        raise UserError(
            "the export has no GGUF adapter beside a GGUF file of the base model",
            f"Use a merged model: --type {merged[0]}." if merged else "Set export.gguf in params.yaml.",
        )
    base = checked_file(root, adapter["base"], adapter["base_sha256"])
    return _Parts(base, checked_file(root, adapter["file"], adapter["sha256"]))


def _prompt(export: Path) -> OllamaPrompt:
    """Return the prompt template that is stored with the exported model."""
    from transformers import GenerationConfig

    from codetune.models.load import all_end_ids, load_tokenizer

    tokenizer = load_tokenizer(export)
    stored = (export / "generation_config.json").is_file()
    generation = GenerationConfig.from_pretrained(export) if stored else GenerationConfig()
    return ollama_prompt(tokenizer, all_end_ids(tokenizer, generation))
