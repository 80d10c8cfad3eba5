"""Read and write Parquet tables. A write is atomic and gives the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from codetune.core.errors import UserError
from codetune.core.files import atomic_file

_BATCH_ROWS = 1000
# The most that a streamed table keeps in memory before it writes a row group. A smaller table has one row group, and so
# the same bytes as with `write_table`.
_GROUP_BYTES = 256 << 20
_GROUP_ROWS = 1 << 20


def write_table(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    """Write `rows` as a zstd-compressed Parquet file, atomically."""
    with atomic_file(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), temporary, compression="zstd")


def read_table(path: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file.

    :param columns: the columns to read; None for all.
    :raises UserError: if the file is missing or is not Parquet.
    """
    with _explained(path):
        rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    return rows


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "Run `dvc repro` to make it.") from None
    except pa.ArrowInvalid as error:
        raise UserError(f"{path} is damaged: {error}", "Delete it and run `dvc repro`.") from None


def count_rows(path: Path) -> int:
    """Return the number of rows of a Parquet file, without reading them.

    :raises UserError: if the file is missing or is not Parquet.
    """
    with _explained(path):
        return int(pq.read_metadata(path).num_rows)


def stream_table(path: Path, rows: Iterable[dict[str, Any]], schema: pa.Schema) -> int:
    """Write `rows` like `write_table`, but keep at most one row group in memory.

    :returns: the number of rows written.
    """
    written = 0
    with atomic_file(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for group in _row_groups(rows, schema):
            writer.write_table(group)
            written += group.num_rows
    return written


def _row_groups(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.Table]:
    iterator = iter(rows)
    group = [pa.RecordBatch.from_pylist(list(islice(iterator, _BATCH_ROWS)), schema=schema)]
    size = group[0].nbytes
    while portion := list(islice(iterator, _BATCH_ROWS)):
        if size >= _GROUP_BYTES or len(group) * _BATCH_ROWS >= _GROUP_ROWS:
            yield pa.Table.from_batches(group).combine_chunks()
            group, size = [], 0
        group.append(pa.RecordBatch.from_pylist(portion, schema=schema))
        size += group[-1].nbytes
    yield pa.Table.from_batches(group).combine_chunks()
