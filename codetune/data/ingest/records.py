"""Read the records of a table from a JSON, JSONL, CSV or Parquet file. The format is detected from the content."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from codetune.core.errors import UserError
from codetune.core.files import split_lines

# Keys whose value is a chat. An object with one of them is a row of a table, not a table.
CHATS = ("messages", "conversations")
# Keys that hold lists of messages in some data sets.
_MESSAGES = ("prompt", "completion", "chosen", "rejected")
_SNIFFED_BYTES = 1 << 16
_DELIMITERS = (",", "\t", ";", "|")
_REMEDY = "Correct the source in ingest.sources."


@dataclass(frozen=True)
class UnreadableRow:
    """A row that cannot be read.

    :param reason: the drop reason.
    """

    reason: str


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes; a gzip file is decompressed.

    :raises UserError: when the file is missing, cannot be read, or is damaged.
    """
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as content:
            yield content  # type: ignore[misc]
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", _REMEDY) from None
    except (EOFError, OSError) as error:
        raise UserError(f"{path} cannot be read: {error}", _REMEDY) from None


def detect_format(path: Path) -> str:
    """Detect the format of a file from its content; its name does not count.

    :returns: json, jsonl, csv or parquet.
    :raises UserError: when it is none of them.
    """
    with _opened(path) as stream:
        head = stream.read(_SNIFFED_BYTES)
    if head.startswith(b"PAR1"):
        return "parquet"
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("["):
        return "json"
    if text.startswith("{"):
        first, *others = split_lines(text)
        return "jsonl" if _is_row(first, alone=not any(map(str.strip, others))) else "json"
    lines = split_lines(text) or [""]
    if "\0" not in text and (not text or any(delimiter in lines[0] for delimiter in _DELIMITERS)):
        return "csv"
    raise UserError(
        f"{path}: the format is unknown (it begins with {text[:30]!r}), expected JSON, JSONL, CSV or Parquet",
        "Convert the file, or set `format` of the source.",
    )


def _is_row(line: str, *, alone: bool) -> bool:
    """Return whether the first line of a file is a row of JSONL, not the beginning of JSON.

    :param alone: whether it is the only line. Then an object with a list of objects is JSON, unless it is a chat.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return len(line) >= _SNIFFED_BYTES // 2  # the row may be longer than the bytes that were read
    lists = {key for key, item in value.items() if isinstance(item, list) and item and isinstance(item[0], dict)}
    return not alone or not lists or bool(lists & {*CHATS, *_MESSAGES})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | UnreadableRow:
    """Make a JSON object; `UnreadableRow` if it has a key twice, because one of the two values would be lost."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else UnreadableRow("column_twice")


def _once(path: Path, columns: Iterable[str]) -> None:
    """Check that no column name is repeated, because rows would lose a value.

    :raises UserError: naming a repeated column.
    """
    for name, count in Counter(columns).items():
        if name and count > 1:
            raise UserError(f"{path} has {count} columns with the name {name!r}", "Rename all but one of them.")


def _json_rows(path: Path) -> Iterator[Any]:
    with _opened(path) as stream:
        content = stream.read()
    try:
        value = json.loads(content.removeprefix(b"\xef\xbb\xbf"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {error}", _REMEDY) from None
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        value = lists[0] if len(lists) == 1 else value
    if not isinstance(value, list):
        found = "an object with a repeated key" if isinstance(value, UnreadableRow) else type(value).__name__
        raise UserError(f"{path} contains {found}, expected a list of objects", _REMEDY)
    yield from value


def _jsonl_rows(path: Path) -> Iterator[Any]:
    with _opened(path) as stream:
        for number, line in enumerate(stream):
            try:
                text = line.decode("utf-8-sig" if number == 0 else "utf-8")
                if text.strip():
                    yield json.loads(text, object_pairs_hook=_object)
            except UnicodeDecodeError:
                yield UnreadableRow("undecodable")
            except (ValueError, RecursionError):
                yield UnreadableRow("not_json")


def _csv_rows(path: Path) -> Iterator[Any]:
    csv.field_size_limit(1 << 30)
    with _opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        blank, first = 0, text.readline()
        while first and not first.strip():
            blank, first = blank + 1, text.readline()
        delimiter = max(_DELIMITERS, key=first.count)
        # If the header is `instruction, output`, spaces after delimiters belong neither to names nor to values.
        padded = f"{delimiter} " in first
        rows = csv.reader(chain([first], text), delimiter=delimiter, skipinitialspace=padded, strict=True)
        start = blank + 1
        try:
            names = [name.strip("\ufeff").strip() for name in next(rows, [])]
            named = max((number for number, name in enumerate(names, start=1) if name), default=0)
            header = [name or f"column {number}" for number, name in enumerate(names, start=1)]
            _once(path, header)
            start = blank + rows.line_num + 1
            for row in rows:
                if row:
                    yield _cells(header, row, named)
                start = blank + rows.line_num + 1
        except csv.Error as error:
            raise UserError(
                f"{path}: the row that begins on line {start} is not CSV: {error}",
                "Close the quotes of that row, and double each quote inside of quotes.",
            ) from None


def _cells(header: list[str], row: list[str], least: int) -> dict[str, str] | UnreadableRow:
    """Return the cells of a line by column; `UnreadableRow` if a cell is missing or has no column.

    :param least: the smallest number of cells; a header can end with delimiters that the lines do not have.
    """
    short, more = len(row) < least, any(cell.strip() for cell in row[len(header) :])
    return UnreadableRow("columns_differ") if short or more else dict(zip(header, row, strict=False))


def _parquet_rows(path: Path) -> Iterator[Any]:
    with _opened(path):
        pass
    try:
        file = pq.ParquetFile(path)
        _once(path, file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=1024):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not Parquet: {error}", _REMEDY) from None


_READERS: dict[str, Callable[[Path], Iterator[Any]]] = {
    "json": _json_rows, "jsonl": _jsonl_rows, "csv": _csv_rows, "parquet": _parquet_rows,
}  # fmt: skip


def read_records(path: Path, form: str | None) -> Iterator[Any]:
    """Read the rows of a file one by one.

    :param form: json, jsonl, csv or parquet; None to detect it.
    :returns: the rows; usually dictionaries, but any JSON value is possible. An `UnreadableRow` stands for a row that
        cannot be read.
    :raises UserError: when the file is missing, damaged as a whole, or in an unknown format.
    """
    return _READERS[form or detect_format(path)](path)
