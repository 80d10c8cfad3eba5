"""Check rows against a schema, one at a time; only the label of a row (usually its id) stays in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from codetune.core.errors import UserError
from codetune.core.files import JsonObject
from codetune.schemas.declaration import Schema

_FOUND_CHARS = 60
# Errors that are normal in files of another version of the project.
_OF_OTHER_VERSIONS = ("missing", "extra_forbidden")


class SchemaError(ValueError):
    """A row that does not match its schema.

    :param number: the position of the row, counted from 1; None for a file that is one object.
    :param label: the id of the row, or another text that identifies it; None if it has none.
    :param problem: the column, the value found and the value expected.
    """

    def __init__(self, number: int | None, label: str | None, problem: str) -> None:
        self.number = number
        self.label = label
        self.problem = problem
        super().__init__(f"row {number}{self.named}: {problem}")

    @property
    def named(self) -> str:
        """The label in parentheses, after a space; empty if there is no label."""
        return f" ({self.label})" if self.label else ""

    def at(self, path: Path) -> str:
        """Return the full error message: file, row, column, the value found and the value expected."""
        if self.number is None:
            return f"{path}: {self.problem}"
        place = f"{path}:{self.number}" if path.suffix == ".jsonl" else f"{path}, row {self.number}"
        return f"{place}{self.named}: {self.problem}"


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _FOUND_CHARS else f"{text[:_FOUND_CHARS]}…"


def _worded(schema: Schema, error: Any) -> str:
    """Turn one pydantic error into an error message."""
    location = error["loc"]
    column = ".".join(map(str, location)) or "the row"
    expected = schema.expected(location) or error["msg"].removeprefix("Input should be ")
    if error["type"] == "missing":
        return f"column {column} is missing, expected {expected}"
    if error["type"] == "extra_forbidden":
        known = f"only {', '.join(schema.columns)}" if len(location) == 1 else "no column of that name"
        return f"column {column} is unknown, expected {known}"
    return f"{column} is {_shortened(error['input'])}, expected {expected}"


def _problem(schema: Schema, row: JsonObject, *, lenient: bool) -> str | None:
    """Return the first problem of a single row, or None if it has none."""
    try:
        schema.adapter.validate_python(row)
    except ValidationError as error:
        problems = [item for item in error.errors() if not (lenient and item["type"] in _OF_OTHER_VERSIONS)]
        if problems:
            return _worded(schema, problems[0])
    for rule in schema.rules:
        if lenient and any(column not in row for column in rule.needs):
            continue
        if not rule.holds(row):
            return f"{rule.column} is {_shortened(row.get(rule.column))}, expected {rule.expected}"
    return None


class Checker:
    """Checks the rows of one table one by one.

    :param lenient: whether to accept missing and unknown columns, as in files of other versions of the project.
    """

    def __init__(self, schema: Schema, *, lenient: bool = False) -> None:
        self._schema = schema
        self._lenient = lenient
        self._places: dict[str, int] = {}

    def check(self, number: int, row: JsonObject) -> None:
        """Check one row.

        :param number: the position of the row in the table, counted from 1.
        :raises SchemaError: if the row does not match the schema, or has the same id as an earlier row.
        """
        schema = self._schema
        label = row.get(schema.label) if isinstance(row, dict) and schema.label else None
        shown = label if isinstance(label, str) else None
        place = number if schema.label else None
        if problem := _problem(schema, row, lenient=self._lenient):
            raise SchemaError(place, shown, problem)
        if schema.unique and shown is not None:
            first = self._places.setdefault(shown, number)
            if first != number:
                raise SchemaError(place, shown, f"{schema.label} is also in row {first}, expected a unique value")


def check_rows(
    numbered: Iterable[tuple[int, JsonObject]], schema: Schema, *, lenient: bool = False
) -> Iterator[JsonObject]:
    """Yield the rows unchanged, each after its check.

    :param numbered: the position, counted from 1, and the content of each row.
    :param lenient: see `Checker`.
    :raises SchemaError: at the first row that does not match the schema.
    """
    checker = Checker(schema, lenient=lenient)
    for number, row in numbered:
        checker.check(number, row)
        yield row


def checked(rows: Iterable[JsonObject], schema: Schema, path: Path) -> Iterator[JsonObject]:
    """Yield rows that are to be written, each after its check.

    :param path: the file that the rows are written to, for error messages.
    :raises UserError: at the first row that does not match the schema.
    """
    try:
        yield from check_rows(enumerate(rows, start=1), schema)
    except SchemaError as error:
        raise UserError(
            f"{error.at(path)}; the file was not written",
            f"Fix the input of `{schema.stage}`; if the input is right, this is a bug in that stage.",
        ) from None
