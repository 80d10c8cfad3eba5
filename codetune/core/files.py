"""Read and write files. A write is atomic, and the same content always gives the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codetune.core.errors import UserError
from codetune.core.temporary import previous_beside, temporary_beside

JsonObject = dict[str, Any]


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; it replaces `path` when the block ends without an exception.

    After any exception, including an interrupt, `path` keeps its previous content.
    """
    with temporary_beside(path, folder=False) as temporary:
        try:
            yield temporary
            temporary.chmod(0o644)
            _fsync(temporary)
            temporary.replace(path)
            _fsync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; it replaces the folder `path` when the block ends without an exception.

    After any exception, including an interrupt, `path` keeps its previous content.
    """
    with temporary_beside(path, folder=True) as temporary:
        previous = previous_beside(temporary)
        try:
            yield temporary
            temporary.chmod(0o755)
            _make_durable(temporary)
            if path.exists():
                path.replace(previous)
            temporary.replace(path)
            _fsync(path.parent)
        finally:
            if previous.exists() and not path.exists():
                previous.replace(path)
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(previous, ignore_errors=True)


def _make_durable(folder: Path) -> None:
    """Write all files and folders below `folder` to the disk, with the usual permissions."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_nlink == 1:  # another hard link to the file may have to stay read-only
            path.chmod(0o644)
        if path.is_file() or path.is_dir():
            _fsync(path)
    _fsync(folder)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def dump_json(value: Any) -> str:
    """Return `value` as indented JSON with a final newline.

    :raises ValueError: if `value` contains NaN or infinity.
    """
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically.

    :raises ValueError: see `dump_json`.
    """
    write_text(path, dump_json(value))


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    :raises UserError: if the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "Run `dvc repro` to make it.") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {error}", "Restore it, or run `dvc repro --force`.") from None


def split_lines(text: str) -> list[str]:
    r"""Split a text into lines at `\n` and `\r\n` only.

    `str.splitlines` also splits at U+2028, NEL, vertical tab and form feed. These can occur inside a line of JSON, of
    CSV, of code, or of the output of git.

    :returns: the lines without their line ends.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def write_jsonl(path: Path, rows: Iterable[JsonObject]) -> int:
    """Write one JSON object per line, atomically.

    :returns: the number of lines written.
    :raises ValueError: if a row contains NaN or infinity.
    """
    count = 0
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def parse_line(path: Path, number: int, line: bytes) -> JsonObject:
    """Parse one line of a JSON-lines file.

    :param path: the file, for error messages.
    :param number: the line number, counted from 1.
    :param line: the line; in line 1, a byte order mark is ignored.
    :raises UserError: if the line is not a JSON object; it names the line.
    """
    try:
        row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}:{number} is not JSON: {error}", "Fix the line.") from None
    if not isinstance(row, dict):
        raise UserError(f"{path}:{number} holds {type(row).__name__}, expected an object", "Fix the line.")
    return row


def numbered_lines(path: Path) -> Iterator[tuple[int, JsonObject]]:
    """Yield the line number, counted from 1, and the object of each line of a JSON-lines file.

    :raises UserError: if the file is missing, or a line is not a JSON object; it names the line.
    """
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                yield number, parse_line(path, number, line)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "Run `dvc repro` to make it.") from None


def read_jsonl(path: Path) -> list[JsonObject]:
    """Return all objects of a JSON-lines file, in order.

    :raises UserError: if the file is missing, or a line is not a JSON object; it names the line.
    """
    return [row for _, row in numbered_lines(path)]


def read_decompressed(path: Path, remedy: str) -> bytes:
    """Return the content of a file that the user provides; a gzip file is decompressed.

    :param remedy: what the user can do about an error, see `UserError`.
    :raises UserError: if the file is missing or cannot be read.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", remedy) from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}", remedy) from None


def read_user_rows(path: Path, remedy: str) -> list[tuple[str, Any]]:
    """Return the rows of a file that the user provides: JSON lines or one JSON list, gzipped or not.

    :param remedy: what the user can do about an error, see `UserError`.
    :returns: for each row, its position for error messages (such as `rows.jsonl:3`) and its value, of any type.
    :raises UserError: if the file is missing, cannot be read, or is not JSON; it names the line.
    """
    try:
        text = read_decompressed(path, remedy).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} cannot be read: {error}", remedy) from None
    if text.lstrip().startswith("["):
        rows = _parsed(str(path), text, remedy)
        return [(f"{path}, item {number}", row) for number, row in enumerate(rows, start=1)]
    lines = enumerate(split_lines(text), start=1)
    places = ((f"{path}:{number}", line) for number, line in lines if line.strip())
    return [(place, _parsed(place, line, remedy)) for place, line in places]


def _parsed(place: str, text: str, remedy: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place} is not JSON: {error}", remedy) from None


def digest_bytes(content: bytes) -> str:
    """Return the sha256 of `content` as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> str:
    """Return the sha256 of the content of a file as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stable_seed(seed: int, *parts: str) -> int:
    """Derive a 63-bit seed from `seed` and `parts`.

    The result depends only on the arguments: it is the same on every machine and in every process.
    """
    text = "\x1f".join([str(seed), *parts])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
