"""Read the ledger as a table with the current columns, even if an older version of the project wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from codetune.core.errors import UserError
from codetune.core.files import JsonObject
from codetune.schemas.checking import SchemaError, check_rows
from codetune.schemas.ledger import LEDGER

LEDGER_PATH = "data/clean/ledger.parquet"
REMEDY = f"Run `dvc pull {LEDGER_PATH}` if a remote has it, or `dvc repro clean`."
# Columns that no query can do without. All versions of the project wrote them.
_NEEDED = ("id", "reason")
_BATCH_ROWS = 1024


@dataclass(frozen=True)
class Ledger:
    """One line per raw row, with the columns of `LEDGER`.

    :param lacks: columns that the file does not have because an older version wrote it; most of them are empty here.
    """

    table: pa.Table
    lacks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def rows(self, places: Iterable[int]) -> list[JsonObject]:
        """Read rows.

        :param places: row numbers, counted from 0.
        """
        found: list[JsonObject] = self.table.take(pa.array(list(places), pa.int64())).to_pylist()
        return found

    def where(self, column: str, value: str) -> list[int]:
        """Find the rows with `value` in `column`.

        :returns: row numbers, counted from 0.
        """
        places: list[int] = pc.indices_nonzero(pc.equal(self.table[column], value)).to_pylist()
        return places

    def texts(self, column: str) -> list[str | None]:
        """The values of a text column, one for each row."""
        values: list[str | None] = self.table[column].to_pylist()
        return values


def _older(table: pa.Table, column: str) -> Any:
    """Derive a missing column from other columns; None if that is not possible."""
    if column == "verdict":
        return pc.if_else(pc.equal(table["reason"], "keep"), "keep", "drop")
    return table["package"] if column == "group" and "package" in table.column_names else None


def _rows(table: pa.Table) -> Iterator[JsonObject]:
    """Yield the rows; only one batch is in memory at a time."""
    for batch in table.to_batches(_BATCH_ROWS):
        yield from batch.to_pylist()


def _check(ledger: Ledger, name: str) -> None:
    """Check the rows against the schema of the columns that the file has. Equal ids are allowed.

    :raises UserError: when a row does not match the schema.
    """
    schema = replace(LEDGER.only([column for column in LEDGER.columns if column not in ledger.lacks]), unique=False)
    try:
        for _ in check_rows(enumerate(_rows(ledger.table.select(schema.columns)), start=1), schema):
            pass
    except SchemaError as error:
        raise UserError(error.at(Path(name)), "Delete it and run `dvc repro clean`.") from None


def add_missing_columns(table: pa.Table, name: str) -> Ledger:
    """Add the columns that an older version did not write, and make a ledger.

    These columns are empty, or derived from others.

    :param table: the table in the file.
    :param name: name of the file for error messages.
    :raises UserError: when the table is not a ledger.
    """
    if missing := [column for column in _NEEDED if column not in table.column_names]:
        raise UserError(
            f"{name} is not a ledger: it has no column {missing[0]}", "Delete it and run `dvc repro clean`."
        )
    lacks = tuple(column for column in LEDGER.columns if column not in table.column_names)
    columns = []
    for field in LEDGER.arrow:
        values = _older(table, field.name) if field.name in lacks else table[field.name]
        try:
            columns.append(pa.nulls(len(table), field.type) if values is None else values.cast(field.type))
        except pa.ArrowException as error:
            raise UserError(f"{name}, column {field.name}: {error}", "Delete it and run `dvc repro clean`.") from None
    return Ledger(pa.table(columns, schema=LEDGER.arrow), lacks)


def read_ledger(path: Path, name: str = LEDGER_PATH, remedy: str = REMEDY) -> Ledger:
    """Read and check the ledger in a Parquet file.

    :param name: name of the file for error messages.
    :param remedy: what to do if the file is missing.
    :raises UserError: when the file is missing, is not Parquet or not a ledger, or a row does not match the schema.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise UserError(f"{name} does not exist", remedy) from None
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{name} is damaged: {error}", "Delete it and run `dvc repro clean`.") from None
    ledger = add_missing_columns(table, name)
    _check(ledger, name)
    return ledger
