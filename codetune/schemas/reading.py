"""Read the tables that stages exchange; every row is checked before it is returned."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, numbered_lines, parse_line, read_json
from codetune.schemas.checking import Checker, SchemaError, check_rows
from codetune.schemas.declaration import Schema

# Rows in memory at a time, in addition to those that the caller keeps.
_BATCH_ROWS = 1024
_BUFFER_BYTES = 1 << 20


def remedy_for(path: Path, schema: Schema) -> str:
    """Return the remedy for an error in a table: run its stage again, or fix the line if no stage writes the table."""
    if not schema.stage:
        return "Fix or delete that line."
    stage = f"{schema.stage}@{path.stem}" if schema.stage == "generate" else schema.stage
    return f"Run `dvc repro --force --single-item {stage}` to make it again."


def _require_columns(path: Path, found: list[str], schema: Schema, *, all_read: bool) -> None:
    """Check that a file has the columns of the schema.

    :param all_read: whether all columns are read; then other columns are an error too.
    :raises UserError: if a column is missing or unknown.
    """
    missing = [column for column in schema.columns if column not in found]
    surplus = [column for column in found if column not in schema.columns] if all_read else []
    if missing or surplus:
        problem = f"column {missing[0]} is missing" if missing else f"column {surplus[0]} is unknown"
        raise UserError(f"{path}: {problem}, expected {', '.join(schema.columns)}", remedy_for(path, schema))


def _parquet_batches(path: Path, schema: Schema, rows: int, *, all_read: bool) -> Iterator[pa.RecordBatch]:
    """Yield a Parquet file in batches of at most `rows` rows; one batch is in memory at a time."""
    try:
        # No read-ahead, because that reads a whole row group into memory.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
            _require_columns(path, file.schema_arrow.names, schema, all_read=all_read)
            yield from file.iter_batches(rows, columns=schema.columns)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "Run `dvc repro` to make it.") from None
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is damaged: {error}", "Delete it and run `dvc repro`.") from None


def _parquet_rows(path: Path, schema: Schema, *, all_read: bool) -> Iterator[tuple[int, JsonObject]]:
    """Yield the position, counted from 1, and the content of each row of a Parquet file."""
    batches = _parquet_batches(path, schema, _BATCH_ROWS, all_read=all_read)
    return enumerate((row for batch in batches for row in batch.to_pylist()), start=1)


def read_batches(path: Path, schema: Schema, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a Parquet table in batches of at most `rows` rows, each after the check of its rows.

    :raises UserError: if the file is missing or damaged, or a row does not match the schema; it names the row.
    """
    checker, number = Checker(schema), 0
    for batch in _parquet_batches(path, schema, rows, all_read=True):
        try:
            for row in batch.to_pylist():
                number += 1
                checker.check(number, row)
        except SchemaError as error:
            raise UserError(error.at(path), remedy_for(path, schema)) from None
        yield batch


def _passing(numbered: Iterator[tuple[int, JsonObject]], schema: Schema, path: Path) -> Iterator[JsonObject]:
    try:
        yield from check_rows(numbered, schema)
    except SchemaError as error:
        raise UserError(error.at(path), remedy_for(path, schema)) from None


def read_rows(path: Path, schema: Schema, columns: Collection[str] | None = None) -> Iterator[JsonObject]:
    """Yield the rows of a table, JSON lines or Parquet, in order.

    :param columns: the columns to read from a Parquet file; None for all.
    :raises UserError: if the file is missing or damaged, or a row does not match the schema; it names the row.
    """
    if path.suffix == ".jsonl":
        return _passing(numbered_lines(path), schema, path)
    chosen = schema if columns is None else schema.only(columns)
    return _passing(_parquet_rows(path, chosen, all_read=columns is None), chosen, path)


def rows_containing(path: Path, schema: Schema, text: str) -> Iterator[JsonObject]:
    """Yield the rows of a JSON-lines file whose line contains `text`; other lines are skipped without parsing.

    :raises UserError: if the file is missing, or such a row does not match the schema.
    """
    wanted = text.encode()

    def found() -> Iterator[tuple[int, JsonObject]]:
        try:
            with path.open("rb") as stream:
                for number, line in enumerate(stream, start=1):
                    if wanted in line:
                        yield number, parse_line(path, number, line)
        except FileNotFoundError:
            raise UserError(f"{path} does not exist", "Run `dvc repro` to make it.") from None

    return _passing(found(), schema, path)


def read_document(path: Path, schema: Schema, *, lenient: bool = False) -> Any:
    """Return the content of a JSON file that is one object.

    :param lenient: whether to accept missing and unknown keys, as in files of other versions of the project.
    :raises UserError: if the file is missing, is not JSON, or does not match the schema.
    """
    content = read_json(path)
    try:
        return next(check_rows([(1, content)], schema, lenient=lenient))
    except SchemaError as error:
        raise UserError(error.at(path), remedy_for(path, schema)) from None
