"""Read a wheel in memory: its licence, and its Python files, whose hashes are checked against RECORD.

Nothing is extracted to the disk, and no code of the wheel is run.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from codetune.core.errors import UserError
from codetune.data.ingest.decoding import SourceFile, read_source
from codetune.data.ingest.license_files import LicenseFiles, has_license_info, is_license_file, read_license_files
from codetune.data.ingest.licenses import License, parse_license

_MAX_METADATA_BYTES = 4 << 20


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(
            f"{path.name} is damaged: {error}", f"Delete {path} and run again; it will be downloaded again."
        ) from None


def _read_member(archive: zipfile.ZipFile, member: str, max_bytes: int) -> bytes | None:
    """Return the content of a file in the archive; None if it has more than `max_bytes`, whatever size it declares."""
    with archive.open(member) as stream:
        content = stream.read(max_bytes + 1)
    return content if len(content) <= max_bytes else None


def _metadata_member(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    for member in archive.namelist():
        if re.fullmatch(rf"[^/]+\.dist-info/{name}", member):
            content = _read_member(archive, member, _MAX_METADATA_BYTES)
            if content is not None:
                return content.decode("utf-8", errors="replace")
    raise UserError(f"{path.name} has no readable {name}, so it is not a wheel", f"Delete {path} and run again.")


def read_license(path: Path) -> License:
    """Return the licence in the metadata of a wheel.

    :raises UserError: when the wheel is damaged, names no licence, or names one that is not permissive.
    """
    with _open(path) as archive:
        found = parse_license(_metadata_member(archive, "METADATA", path))
    if found is None or not found.permissive:
        named = found.expression if found else "none that is known"
        raise UserError(
            f"{path.name}: found licence {named}, expected a permissive one",
            "Remove the package from the list of pins, or set `license` of the source.",
        )
    return found


def python_members(path: Path) -> list[tuple[str, int]]:
    """List the Python files of a wheel.

    :returns: pairs of path and size in bytes, in path order.
    :raises UserError: when the wheel is damaged.
    """
    with _open(path) as archive:
        members = {info.filename: info.file_size for info in archive.infolist() if info.filename.endswith(".py")}
    return sorted(members.items())


def _has_inner_license_info(member: str) -> bool:
    """Return whether a file has licence information beyond the metadata, so that it may apply to only a part.

    The licence file of a top-level package does not count: it is that of the whole wheel.
    """
    return (
        has_license_info(member)
        and ".dist-info/" not in member
        and (member.count("/") > 1 or not is_license_file(member))
    )


def inner_licenses(path: Path) -> LicenseFiles:
    """Read the licence information about inner folders, such as vendored packages, and about single files of a wheel.

    :raises UserError: when the wheel is damaged.
    """
    with _open(path) as archive:
        members = filter(_has_inner_license_info, archive.namelist())
        return read_license_files({member: _read_member(archive, member, _MAX_METADATA_BYTES) for member in members})


def read_python_files(path: Path, members: list[str], max_bytes: int, skipped: Counter[str]) -> Iterator[SourceFile]:
    """Yield the named files of a wheel that are readable text.

    :param path: the wheel.
    :param members: paths within the wheel.
    :param max_bytes: larger files are counted as `too_large`.
    :param skipped: counts the files that are not yielded, by reason.
    :raises UserError: when the archive is damaged, or the hash of a file is not the one in RECORD.
    """
    with _open(path) as archive:
        record = {row[0]: row[1] for row in csv.reader(io.StringIO(_metadata_member(archive, "RECORD", path))) if row}
        for member in members:
            try:
                content = _read_member(archive, member, max_bytes)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise UserError(
                    f"{path.name} is damaged at {member}: {error}", f"Delete {path} and run again."
                ) from None
            if content is None:
                skipped["too_large"] += 1
                continue
            encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            if record.get(member) != f"sha256={encoded}":
                raise UserError(
                    f"{path.name}: the hash of {member} differs from the wheel's RECORD",
                    f"Delete {path} and run again.",
                )
            if source := read_source(member, content, skipped):
                yield source
