"""Checking rows one at a time, as they pass by: nothing of a row is kept but its label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from codetune.core.errors import UserError
from codetune.core.files import JsonObject
from codetune.schemas.declaration import Schema

_FOUND_CHARS = 60
# What the rows of another version of the project may well do.
_OF_OTHER_VERSIONS = ("missing", "extra_forbidden")


class SchemaError(ValueError):
    """A row that is not as declared.

    :param number: its place, counted from 1; None where there is but one thing.
    :param label: its id, or what else tells it from other rows; None where it has none.
    :param problem: the column, what was found and what was expected.
    """

    def __init__(self, number: int | None, label: str | None, problem: str) -> None:
        self.number = number
        self.label = label
        self.problem = problem
        super().__init__(f"row {number}{self.named}: {problem}")

    @property
    def named(self) -> str:
        """The label in brackets, if there is one."""
        return f" ({self.label})" if self.label else ""

    def at(self, path: Path) -> str:
        """The whole sentence: file, row, column, what was found and what was expected."""
        if self.number is None:
            return f"{path}: {self.problem}"
        place = f"{path}:{self.number}" if path.suffix == ".jsonl" else f"{path}, row {self.number}"
        return f"{place}{self.named}: {self.problem}"


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _FOUND_CHARS else f"{text[:_FOUND_CHARS]}…"


def _worded(schema: Schema, error: Any) -> str:
    """One problem of pydantic's in words."""
    location = error["loc"]
    column = ".".join(map(str, location)) or "the row"
    expected = schema.expected(location) or error["msg"].removeprefix("Input should be ")
    if error["type"] == "missing":
        return f"column {column} is missing, expected {expected}"
    if error["type"] == "extra_forbidden":
        known = f"only {', '.join(schema.columns)}" if len(location) == 1 else "no such column"
        return f"column {column} is unknown, expected {known}"
    return f"{column} is {_shortened(error['input'])}, expected {expected}"


def _problem(schema: Schema, row: JsonObject, *, lenient: bool) -> str | None:
    """The first thing that is wrong with a row by itself, or None."""
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
    """Checks the rows of one table as they come.

    :param lenient: whether columns may be missing or unknown, as in files of other versions of the project.
    """

    def __init__(self, schema: Schema, *, lenient: bool = False) -> None:
        self._schema = schema
        self._lenient = lenient
        self._places: dict[str, int] = {}

    def check(self, number: int, row: JsonObject) -> None:
        """Nothing, when the row is as declared.

        :param number: its place in the table, counted from 1.
        :raises SchemaError: when it is not, or has the id of an earlier one.
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
                raise SchemaError(place, shown, f"{schema.label} is that of row {first}, expected one of its own")


def passing(
    numbered: Iterable[tuple[int, JsonObject]], schema: Schema, *, lenient: bool = False
) -> Iterator[JsonObject]:
    """Yield the rows as they are, each after it has been checked.

    :param numbered: rows with their places, counted from 1.
    :param lenient: as of `Checker`.
    :raises SchemaError: at the first row that is not as declared.
    """
    checker = Checker(schema, lenient=lenient)
    for number, row in numbered:
        checker.check(number, row)
        yield row


def checked(rows: Iterable[JsonObject], schema: Schema, path: Path) -> Iterator[JsonObject]:
    """Yield the rows that are about to be written, each after it has been checked.

    :param path: the file that they are for.
    :raises UserError: at the first row that is not as declared.
    """
    try:
        yield from passing(enumerate(rows, start=1), schema)
    except SchemaError as error:
        raise UserError(
            f"{error.at(path)}; the file was not written",
            f"Mend what `{schema.stage}` makes the row from; if nothing is wrong there, it is a mistake of the stage.",
        ) from None
