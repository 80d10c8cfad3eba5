"""Rows of instruction and answer out of a file: its format and the meaning of its columns are detected.

Only text is read; a row that cannot be used is counted by reason and the others go on.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from codetune.errors import UserError

Record = dict[str, Any]
_SAMPLE = 100
_SNIFFED_BYTES = 1 << 16
_CHATS = {"messages", "conversations"}
_DELIMITERS = (",", "\t", ";", "|")
_REMEDY = "Mend the source in ingest.sources."


@dataclass(frozen=True)
class Broken:
    """Stands for a row that cannot be read."""

    reason: str


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The content of a file as bytes, unpacked where it is gzip.

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
    """How a file is written: json, jsonl, csv or parquet; told from its content, not from its name.

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
        first, *others = text.splitlines()
        return "jsonl" if _is_row(first, alone=not any(map(str.strip, others))) else "json"
    lines = text.splitlines() or [""]
    if "\0" not in text and (not text or any(delimiter in lines[0] for delimiter in _DELIMITERS)):
        return "csv"
    raise UserError(
        f"{path}: the format is unknown (it begins with {text[:30]!r}), expected JSON, JSONL, CSV or Parquet",
        "Convert it, or name its `format`.",
    )


def _is_row(line: str, *, alone: bool) -> bool:
    """Whether the first line of a file is a row of JSONL.

    :param alone: whether it is the only line: then an object around a list of rows is JSON, and a chat is a row.
    """
    try:
        value = json.loads(line)
    except ValueError:
        return len(line) >= _SNIFFED_BYTES // 2  # a row too long to be seen whole
    lists = {key for key, item in value.items() if isinstance(item, list) and item and isinstance(item[0], dict)}
    return not alone or not lists or bool(lists & _CHATS)


def _json_rows(path: Path) -> Iterator[Any]:
    with _opened(path) as stream:
        content = stream.read()
    try:
        value = json.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {error}", _REMEDY) from None
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        value = lists[0] if len(lists) == 1 else value
    if not isinstance(value, list):
        raise UserError(f"{path} holds {type(value).__name__}, expected a list of objects", _REMEDY)
    yield from value


def _jsonl_rows(path: Path) -> Iterator[Any]:
    with _opened(path) as stream:
        for number, line in enumerate(stream):
            try:
                text = line.decode("utf-8-sig" if number == 0 else "utf-8")
                if text.strip():
                    yield json.loads(text)
            except UnicodeDecodeError:
                yield Broken("undecodable")
            except (ValueError, RecursionError):
                yield Broken("not_json")


def _csv_rows(path: Path) -> Iterator[Any]:
    csv.field_size_limit(1 << 30)
    with _opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        first = text.readline()
        delimiter = max(_DELIMITERS, key=first.count)
        rows = csv.reader(chain([first], text), delimiter=delimiter)
        try:
            header = next(rows, [])
            for row in rows:
                if row:
                    yield dict(zip(header, row, strict=True)) if len(row) == len(header) else Broken("columns_differ")
        except csv.Error as error:
            raise UserError(f"{path}:{rows.line_num} is not CSV: {error}", _REMEDY) from None


def _parquet_rows(path: Path) -> Iterator[Any]:
    with _opened(path):
        pass
    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1024):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not Parquet: {error}", _REMEDY) from None


_READERS: dict[str, Callable[[Path], Iterator[Any]]] = {
    "json": _json_rows, "jsonl": _jsonl_rows, "csv": _csv_rows, "parquet": _parquet_rows,
}  # fmt: skip


def read_records(path: Path, form: str | None) -> Iterator[Any]:
    """Yield what a file holds row by row: whatever it is, or `Broken`.

    :param form: json, jsonl, csv or parquet; None to detect it.
    :raises UserError: when the file is missing, damaged as a whole, or of no known format.
    """
    return _READERS[form or detect_format(path)](path)


@dataclass(frozen=True)
class Layout:
    """Which columns hold what; `messages` excludes the others."""

    instruction: str = ""
    completion: str = ""
    input: str = ""
    messages: str = ""
    group: str = ""

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that every row must have."""
        return tuple(name for name in (self.instruction, self.completion, self.messages) if name)


LAYOUTS = (
    Layout(messages="messages"),
    Layout(messages="conversations"),
    Layout(instruction="instruction", input="input", completion="output"),
    Layout(instruction="prompt", completion="completion"),
    Layout(instruction="instruction", input="input", completion="completion"),
)
_EXPECTED = "expected instruction and output (Alpaca), prompt and completion, or messages"


@dataclass(frozen=True)
class Pair:
    """One row: what is asked, the answer, and the value that groups it (empty: none)."""

    instruction: str
    completion: str
    group: str = ""


def choose_layout(where: str, records: Iterable[Any], named: Layout) -> Layout:
    """The layout of a table: the named columns, or the known layout that fits most of the records.

    :param where: the table, for errors.
    :param records: the first rows.
    :raises UserError: when a named column is missing, or no layout fits.
    """
    objects = [record for record in records if isinstance(record, dict)]
    present = Counter(str(key) for record in objects for key in record)
    listed = ", ".join(sorted(present)[:20]) or "none"
    wanted = [name for name in (*named.needed, named.input, named.group) if name]
    if missing := [name for name in wanted if objects and name not in present]:
        raise UserError(f"{where} has no column {missing[0]!r}, found: {listed}", "Mend `columns` of the source.")
    if named.needed or not objects:
        return named
    fits = {layout: min(present[name] for name in layout.needed) for layout in LAYOUTS}
    best = max(LAYOUTS, key=lambda layout: fits[layout])
    if not fits[best]:
        raise UserError(
            f"{where}: the columns {listed} are not understood, {_EXPECTED}",
            "Name them: `columns: {instruction: …, completion: …}`.",
        )
    return Layout(best.instruction, best.completion, best.input, best.messages, named.group)


def _turn(message: Any) -> tuple[str, Any]:
    """Role and content of a chat message, in the shape of OpenAI or of ShareGPT."""
    if not isinstance(message, dict):
        return "", None
    role = str(message.get("role", message.get("from", "")))
    role = {"human": "user", "gpt": "assistant"}.get(role, role)
    return role, message.get("content", message.get("value"))


def _first_exchange(messages: Any, notes: Counter[str]) -> tuple[Any, Any] | str:
    """The first question with its answer; other turns are counted in `notes`."""
    if isinstance(messages, str):
        try:
            messages = json.loads(messages)
        except (ValueError, RecursionError):
            return "not_json"
    if not isinstance(messages, list):
        return "columns_differ"
    turns = [_turn(message) for message in messages]
    for (asker, question), (answerer, answer) in pairwise(turns):
        if (asker, answerer) == ("user", "assistant"):
            notes["other_turns_left_out"] += len(turns) - 2
            return question, answer
    return "no_answer"


def _texts(record: Record, layout: Layout, notes: Counter[str]) -> tuple[Any, Any] | str:
    if any(record.get(name) is None for name in layout.needed):
        return "columns_differ"
    if layout.messages:
        return _first_exchange(record[layout.messages], notes)
    asked, more = record[layout.instruction], record.get(layout.input)
    if isinstance(asked, str) and isinstance(more, str) and more.strip() not in {"", "<noinput>"}:
        asked = f"{asked.strip()}\n\n{more.strip()}"
    return asked, record[layout.completion]


def to_pair(record: Any, layout: Layout, notes: Counter[str]) -> Pair | str:  # noqa: PLR0911
    """The instruction and the answer of one record, or the reason why it has none."""
    if isinstance(record, Broken):
        return record.reason
    if not isinstance(record, dict):
        return "not_an_object"
    texts = _texts(record, layout, notes)
    if isinstance(texts, str):
        return texts
    asked, answer = texts
    if not isinstance(asked, str) or not isinstance(answer, str):
        return "not_text"
    if not asked.strip() or not answer.strip():
        return "instruction_empty" if not asked.strip() else "completion_empty"
    group = "" if record.get(layout.group) is None else str(record[layout.group])
    try:
        f"{asked}{answer}{group}".encode()
    except UnicodeEncodeError:
        return "undecodable"
    return Pair(_lines(asked).strip(), _lines(answer).strip("\n").rstrip(), group)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _up_to_objects(records: Iterator[Any]) -> list[Any]:
    """The records up to the hundredth object: as many as a layout is told from."""
    first: list[Any] = []
    objects = 0
    while objects < _SAMPLE and (some := list(islice(records, 1))):
        first += some
        objects += isinstance(some[0], dict)
    return first


def read_pairs(
    where: str, records: Iterator[Any], named: Layout, skipped: Counter[str], notes: Counter[str]
) -> Iterator[tuple[int, Pair]]:
    """Yield the rows that can be used with their numbers, counted from 1; the others are counted in `skipped`.

    :raises UserError: when the columns are not understood.
    """
    first = _up_to_objects(records)
    layout = choose_layout(where, first, named)
    for number, record in enumerate(chain(first, records), start=1):
        pair = to_pair(record, layout, notes)
        if isinstance(pair, str):
            skipped[pair] += 1
        else:
            yield number, pair
