"""Declare the schema of a table: its columns, rules across columns, and the Arrow types that follow from them.

A row is a TypedDict. pydantic checks its types strictly, one row at a time, and the row stays an ordinary dictionary.
A data frame library such as pandera needs the whole table in memory, and its errors give the position of a row but not
its id.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict, is_typeddict

from codetune.core.files import JsonObject

STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True)
class Rule:
    """A condition on several columns of a row. It is checked after the types of the columns.

    :param column: the column that the error message names.
    :param needs: the columns that `holds` reads.
    :param holds: returns whether a row meets the condition.
    :param expected: completes the error message "expected …".
    """

    column: str
    needs: tuple[str, ...]
    holds: Callable[[JsonObject], bool]
    expected: str


@dataclass(frozen=True)
class Schema:
    """The schema of a table.

    :param row: a TypedDict with the columns.
    :param stage: the stage of dvc.yaml that writes the table; empty if no stage writes it.
    :param label: the column that identifies a row in error messages; None for a file that is one object.
    :param unique: whether each label may occur only once.
    :param rules: conditions on several columns.
    """

    row: Any
    stage: str
    label: str | None = "id"
    unique: bool = True
    rules: tuple[Rule, ...] = ()

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The pydantic validator of one row."""
        return TypeAdapter(self.row)

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The type of each column, in order."""
        return get_type_hints(self.row, include_extras=True)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.hints)

    @cached_property
    def arrow(self) -> Any:
        """The columns as a `pyarrow.Schema`."""
        import pyarrow as pa

        kinds = {str: pa.string(), int: pa.int32(), float: pa.float64()}

        def kind(hint: Any) -> Any:
            inner = _unwrapped(hint)
            return pa.list_(kind(get_args(inner)[0])) if get_origin(inner) is list else kinds[_plain(inner)]

        return pa.schema([(name, kind(hint)) for name, hint in self.hints.items()])

    def only(self, columns: Collection[str]) -> Schema:
        """Return the schema of some of the columns, with the rules that need no other columns."""
        hints = {name: hint for name, hint in self.hints.items() if name in columns}
        row = TypedDict("Row", hints)  # type: ignore[misc]
        row.__pydantic_config__ = STRICT  # type: ignore[attr-defined]
        rules = tuple(rule for rule in self.rules if set(rule.needs) <= set(hints))
        return replace(self, row=row, rules=rules, unique=self.unique and self.label in hints)

    def expected(self, location: tuple[str | int, ...]) -> str | None:
        """Return the description of the column at `location`, or None if it has no description.

        :param location: the keys and list positions that lead to a value, as in a pydantic error.
        """
        hint, words = self.row, None
        for part in location:
            inner = _unwrapped(hint)
            if is_typeddict(inner):
                hint = get_type_hints(inner, include_extras=True).get(str(part))
            else:
                hint = next(iter(get_args(inner)[::-1]), None)  # the type of the values of a list or a mapping
            words = _description(hint) or words
        return words


def _members(hint: Any) -> list[Any]:
    """Return the members of a union type without None; for any other type, the type itself."""
    union = get_origin(hint) in {types.UnionType, typing.Union}
    return [member for member in get_args(hint) if member is not type(None)] if union else [hint]


def _unwrapped(hint: Any) -> Any:
    """Return a type without its annotations and without None."""
    while get_origin(hint) in {Annotated, NotRequired}:
        hint = get_args(hint)[0]
    (first, *_) = _members(hint)
    return hint if first is hint else _unwrapped(first)


def _plain(hint: Any) -> type:
    """Return the Python type of the values in a column."""
    inner = _unwrapped(hint)
    return str if get_origin(inner) is Literal else inner


def _description(hint: Any) -> str | None:
    """Return the description of a type, or None; for a type that allows None, it ends with "or null"."""
    if get_origin(hint) is NotRequired:
        return _description(get_args(hint)[0])
    if get_origin(hint) is Annotated:
        return next((note.description for note in hint.__metadata__ if isinstance(note, FieldInfo)), None)
    members = _members(hint)
    inner = None if members[0] is hint else _description(members[0])
    return inner and f"{inner}, or null"
