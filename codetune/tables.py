"""Parquet tables: written atomically, the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from codetune.errors import UserError
from codetune.files import atomic_file


def write_table(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    """Write `rows` as a zstd-compressed Parquet file."""
    with atomic_file(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), temporary, compression="zstd")


def read_table(path: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a Parquet file, all columns or those named.

    :raises UserError: when the file is missing or is not Parquet.
    """
    try:
        rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "Run `dvc repro` to make it.") from None
    except pa.ArrowInvalid as error:
        raise UserError(f"{path} is damaged: {error}", "Delete it and run `dvc repro`.") from None
    return rows
