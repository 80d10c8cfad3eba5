"""Write all GGUF files of the export, and report what was written and what was not."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.files import digest_file
from codetune.export.gguf.check import check_model
from codetune.export.gguf.configuration import architecture_of
from codetune.export.gguf.model import write_model
from codetune.export.merge import CheckedAnswers
from codetune.export.params import AUTO, DEFAULT_ADAPTER, DEFAULT_TYPES, GgufParams
from codetune.models.gguf.header import GgufFile
from codetune.models.gguf_writing.adapter import BASE_DIGEST, TEMPLATE, Lora, write_adapter
from codetune.models.gguf_writing.failure import NotConvertibleError
from codetune.models.gguf_writing.storage import StoredTensor
from codetune.models.load import LoadedModel

Json = dict[str, Any]
FOLDER = "gguf"
_DIGITS = 6
_WITHOUT = "Set export.gguf.{key} to {none}, or to auto, which leaves the file out and reports why."


@dataclass(frozen=True)
class GgufSource:
    """What the files are made from.

    :param merged: the merged model, in the precision in which it was measured.
    :param lora: the adapter, or the reason why GGUF cannot hold it.
    :param base: the base model, if it came as a GGUF file.
    :param metadata: name, licence and base model, by metadata key.
    :param texts: instructions and completions to compare token ids on.
    :param answers: answers, and their logits of the merged model.
    """

    merged: LoadedModel
    lora: Lora | NotConvertibleError
    base: GgufFile | None
    metadata: Json
    texts: Sequence[str]
    answers: CheckedAnswers


def write_gguf_files(source: GgufSource, params: GgufParams, folder: Path) -> Json:
    """Write the adapter and the merged models into the subfolder `gguf`. Return the report.

    A file that was asked for by `auto` and cannot be made is left out, and the report has the reason. The base model's
    GGUF file is put beside the adapter as a hard link.

    :param folder: the folder of the export.
    :raises UserError: when a file that was asked for by its type cannot be made, or when a written file differs from
        the model.
    """
    report: Json = {"files": [], "not_written": []}
    adapter = DEFAULT_ADAPTER if params.adapter == AUTO else params.adapter
    if adapter != "none":
        remedy = None if params.adapter == AUTO else _WITHOUT.format(key="adapter", none="none")
        _attempt(report, folder, f"{FOLDER}/adapter-{adapter}.gguf", remedy, partial(_adapter, source, adapter))
    types = DEFAULT_TYPES if isinstance(params.types, str) else params.types
    if types:
        remedy = None if params.types == AUTO else _WITHOUT.format(key="types", none="[]")
        for kind in types:
            _attempt(report, folder, f"{FOLDER}/tuned-{kind}.gguf", remedy, partial(_model, source, kind))
    return report


def _attempt(report: Json, folder: Path, name: str, remedy: str | None, write: Callable[[Path], Json]) -> None:
    """Write one file and add it to the report, or the reason why it was not written.

    :param remedy: what the user can do if the file cannot be made; None: report it, because nobody asked for the file.
    """
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    try:
        facts = write(path)
    except NotConvertibleError as error:
        path.unlink(missing_ok=True)
        if remedy is not None:
            raise UserError(f"export: {name} cannot be made: {error}", remedy) from None
        report["not_written"].append({"file": name, "reason": str(error)})
    else:
        report["files"].append({"file": name, "bytes": path.stat().st_size, "sha256": digest_file(path), **facts})


def _adapter(source: GgufSource, kind: str, path: Path) -> Json:
    """Write the adapter, and put the base model beside it."""
    if isinstance(source.lora, NotConvertibleError):
        raise source.lora
    metadata = source.metadata | {TEMPLATE: source.merged.tokenizer.chat_template}
    base: Json = {}
    if source.base is not None:
        base = {"base": f"{FOLDER}/{source.base.path.name}", "base_sha256": digest_file(source.base.path)}
        metadata[BASE_DIGEST] = base["base_sha256"]
    model = source.merged.model
    tensors = write_adapter(path, source.lora, architecture_of(model.config), model, kind.upper(), metadata)
    if source.base is not None:
        _link(source.base.path, path.with_name(source.base.path.name))
    return {"content": "adapter", "type": kind, "tensors": _kinds(tensors), **base}


def _model(source: GgufSource, kind: str, path: Path) -> Json:
    """Write a merged model and check it."""
    tensors = write_model(path, source.merged, kind.upper(), source.metadata, source.base)
    check = check_model(path, source.merged, tensors, source.texts, source.answers)
    facts = {name: _rounded(value) for name, value in asdict(check).items()}
    return {"content": "model", "type": kind, "tensors": _kinds(tensors), **facts}


def _kinds(tensors: Sequence[StoredTensor]) -> dict[str, int]:
    return dict(sorted(Counter(tensor.kind.name for tensor in tensors).items()))


def _rounded(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _link(source: Path, path: Path) -> None:
    """Make `path` a hard link to a file that codetune never changes, or a copy where hard links are not supported."""
    try:
        path.hardlink_to(source.resolve())
    except OSError:
        shutil.copyfile(source, path)
