"""Read large JSON-lines files one page at a time. Memory holds the offset of each line, not its content."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from codetune.core.errors import UserError
from codetune.core.files import JsonObject, parse_line
from codetune.schemas.checking import SchemaError, check_rows
from codetune.schemas.declaration import Schema
from codetune.schemas.reading import remedy_for

# The form in which the stages write these keys; a line in another form is parsed as JSON.
_GROUP = re.compile(rb'"group": "((?:[^"\\]|\\.)*)"')
_PARENT = re.compile(rb'"parent": (null|")')
_ID = re.compile(rb'"id": "([^"\\]*)"')

Places = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class RowIndex:
    """The offsets of the rows of a file, and the columns by which rows can be selected.

    :param starts: offset of each row and of the end of the file, in bytes, of shape `(rows + 1,)`.
    :param groups: the groups in alphabetical order.
    :param group_of: index in `groups` of each row's group, of shape `(rows,)`.
    :param paraphrases: whether each row is a paraphrase, of shape `(rows,)`.
    """

    path: Path
    starts: Places
    groups: tuple[str, ...]
    group_of: Places
    paraphrases: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def line(self, stream: BinaryIO, place: int) -> bytes:
        """Read the line of one row.

        :param stream: the open file.
        :param place: row number, counted from 0.
        """
        stream.seek(int(self.starts[place]))
        return stream.read(int(self.starts[place + 1] - self.starts[place]))

    def places(self, group: str | None = None, *, paraphrases: bool | None = None) -> Places:
        """Select rows.

        :param group: the group of the rows; None for all groups.
        :param paraphrases: True for paraphrases only, False for original rows only, None for both.
        :returns: row numbers, counted from 0, in ascending order.
        """
        chosen = np.ones(len(self), bool)
        if group is not None:
            chosen &= self.group_of == (self.groups.index(group) if group in self.groups else -1)
        if paraphrases is not None:
            chosen &= self.paraphrases == paraphrases
        return np.flatnonzero(chosen)


def missing_sentence(path: str) -> str:
    """Write that a data file is not in this clone, with the command that gets it."""
    return f"{path} is not in this clone. Run `dvc pull {path}` if a remote has it, or `make repro`."


def _facts(path: Path, number: int, line: bytes) -> tuple[str, bool]:
    """The group of a row, and whether it is a paraphrase."""
    group, parent = _GROUP.search(line), _PARENT.search(line)
    if group and parent:
        return json.loads(b'"' + group[1] + b'"'), parent[1] != b"null"
    row = parse_line(path, number, line)
    return str(row.get("group")), row.get("parent") is not None


def read_index(path: Path) -> RowIndex:
    """Build the index of a file of instruction rows in one pass, with one line in memory at a time.

    :raises UserError: when the file is missing, or a line is not a JSON object.
    """
    starts, numbers, paraphrases = [0], [], []
    groups: dict[str, int] = {}
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                group, made = _facts(path, number, line)
                numbers.append(groups.setdefault(group, len(groups)))
                paraphrases.append(made)
                starts.append(starts[-1] + len(line))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist", "Run `dvc repro` to make it.") from None
    order = sorted(groups)
    ranks = np.array([order.index(group) for group in groups], np.int64)
    group_of = ranks[np.array(numbers, np.int64)] if numbers else np.zeros(0, np.int64)
    return RowIndex(path, np.array(starts, np.int64), tuple(order), group_of, np.array(paraphrases, bool))


def read_places(index: RowIndex, places: Sequence[int], schema: Schema) -> list[JsonObject]:
    """Read and check some rows of a file, without reading the others.

    :param places: row numbers, counted from 0.
    :param schema: the schema of the rows.
    :raises UserError: when the file does not exist, or a row does not match the schema; the error names the row.
    """
    try:
        with index.path.open("rb") as stream:
            numbered = [
                (place + 1, parse_line(index.path, place + 1, index.line(stream, place))) for place in map(int, places)
            ]
        return list(check_rows(numbered, schema))
    except FileNotFoundError:
        raise UserError(f"{index.path} does not exist", "Run `dvc repro` to make it.") from None
    except SchemaError as error:
        raise UserError(error.at(index.path), remedy_for(index.path, schema)) from None


def rows_containing(index: RowIndex, places: Places, text: str) -> Places:
    """Find the rows whose line contains a text; upper and lower case are equal. One line is in memory at a time.

    :param places: numbers of the rows to search, counted from 0.
    :returns: numbers of the rows that contain `text`.
    """
    wanted = json.dumps(text, ensure_ascii=False)[1:-1].casefold()
    with index.path.open("rb") as stream:
        found = [
            place
            for place in map(int, places)
            if wanted in index.line(stream, place).decode(errors="replace").casefold()
        ]
    return np.array(found, np.int64)


def rows_by_id(path: Path, ids: Collection[str], schema: Schema) -> dict[str, JsonObject]:
    """Find rows by id in one pass, without parsing other lines.

    :param schema: the schema of the rows.
    :returns: row by id; ids that the file does not have are left out.
    :raises UserError: when a row with such an id does not match the schema; the error names the row.
    """
    wanted = {identity.encode() for identity in ids}
    numbered: list[tuple[int, Any]] = []
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            match = _ID.search(line)
            if match and match[1] in wanted:
                numbered.append((number, parse_line(path, number, line)))
    try:
        return {str(row["id"]): row for row in check_rows(iter(numbered), schema)}
    except SchemaError as error:
        raise UserError(error.at(path), remedy_for(path, schema)) from None
