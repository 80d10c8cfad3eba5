"""How a table is declared: the columns of a row, what holds across columns, and the Arrow types that follow.

The row is a TypedDict whose types pydantic checks strictly, one row at a time; rows stay the dictionaries they are. A
library for data frames, such as pandera, needs the whole table in memory, and tells the place of a row but not its id.
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
    """What must hold across the columns of a row whose columns are each right by themselves.

    :param column: the column that is to blame.
    :param needs: the columns that `holds` looks at.
    :param expected: the end of the sentence "expected …".
    """

    column: str
    needs: tuple[str, ...]
    holds: Callable[[JsonObject], bool]
    expected: str


@dataclass(frozen=True)
class Schema:
    """The declaration of a table.

    :param row: a TypedDict of the columns.
    :param stage: the stage of dvc.yaml that writes the table.
    :param label: the column that tells a row from others, for people; None for a file that holds one thing.
    :param unique: whether no two rows may have the same label.
    """

    row: Any
    stage: str
    label: str | None = "id"
    unique: bool = True
    rules: tuple[Rule, ...] = ()

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The compiled check of one row."""
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
        """The same columns as a `pyarrow.Schema`."""
        import pyarrow as pa

        kinds = {str: pa.string(), int: pa.int32(), float: pa.float64()}

        def kind(hint: Any) -> Any:
            inner = _unwrapped(hint)
            return pa.list_(kind(get_args(inner)[0])) if get_origin(inner) is list else kinds[_plain(inner)]

        return pa.schema([(name, kind(hint)) for name, hint in self.hints.items()])

    def only(self, columns: Collection[str]) -> Schema:
        """The declaration of some columns alone, with the rules that can be told from them."""
        hints = {name: hint for name, hint in self.hints.items() if name in columns}
        row = TypedDict("Row", hints)  # type: ignore[misc]
        row.__pydantic_config__ = STRICT  # type: ignore[attr-defined]
        rules = tuple(rule for rule in self.rules if set(rule.needs) <= set(hints))
        return replace(self, row=row, rules=rules, unique=self.unique and self.label in hints)

    def expected(self, location: tuple[str | int, ...]) -> str | None:
        """What is declared for the place at `location` in a row, in words; None where nothing is."""
        hint, words = self.row, None
        for part in location:
            inner = _unwrapped(hint)
            if is_typeddict(inner):
                hint = get_type_hints(inner, include_extras=True).get(str(part))
            else:
                hint = next(iter(get_args(inner)[::-1]), None)  # of what a list or a mapping holds
            words = _description(hint) or words
        return words


def _members(hint: Any) -> list[Any]:
    """The types that a value may have, None apart."""
    union = get_origin(hint) in {types.UnionType, typing.Union}
    return [member for member in get_args(hint) if member is not type(None)] if union else [hint]


def _unwrapped(hint: Any) -> Any:
    """A type without what is noted on it, and without None."""
    while get_origin(hint) in {Annotated, NotRequired}:
        hint = get_args(hint)[0]
    (first, *_) = _members(hint)
    return hint if first is hint else _unwrapped(first)


def _plain(hint: Any) -> type:
    """The type of Python's own that a column holds."""
    inner = _unwrapped(hint)
    return str if get_origin(inner) is Literal else inner


def _description(hint: Any) -> str | None:
    """What is noted on a type in words; where None is allowed too, it says so."""
    if get_origin(hint) is NotRequired:
        return _description(get_args(hint)[0])
    if get_origin(hint) is Annotated:
        return next((note.description for note in hint.__metadata__ if isinstance(note, FieldInfo)), None)
    members = _members(hint)
    inner = None if members[0] is hint else _description(members[0])
    return inner and f"{inner}, or nothing"
