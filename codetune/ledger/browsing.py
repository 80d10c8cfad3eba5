"""Tables of JSON lines a page at a time: where each line starts is kept, never what it holds."""

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
from codetune.schemas.checking import SchemaError, passing
from codetune.schemas.declaration import Schema
from codetune.schemas.reading import remake

# As the stages write them; a line that is spelt differently is parsed.
_GROUP = re.compile(rb'"group": "((?:[^"\\]|\\.)*)"')
_PARENT = re.compile(rb'"parent": (null|")')
_ID = re.compile(rb'"id": "([^"\\]*)"')

Places = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class RowIndex:
    """Where the rows of a file are, and what they can be chosen by; some ten bytes a row.

    :param starts: the offset of each row in bytes, and the end of the file, of shape `(rows + 1,)`.
    :param groups: the groups in alphabetical order, and `group_of` the place of each row's there.
    :param paraphrases: whether each row is one.
    """

    path: Path
    starts: Places
    groups: tuple[str, ...]
    group_of: Places
    paraphrases: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def line(self, stream: BinaryIO, place: int) -> bytes:
        """The line of one row, out of the open file."""
        stream.seek(int(self.starts[place]))
        return stream.read(int(self.starts[place + 1] - self.starts[place]))

    def places(self, group: str | None = None, *, paraphrases: bool | None = None) -> Places:
        """The places of the rows of a group, or of all; of paraphrases alone, of originals alone, or of both."""
        chosen = np.ones(len(self), bool)
        if group is not None:
            chosen &= self.group_of == (self.groups.index(group) if group in self.groups else -1)
        if paraphrases is not None:
            chosen &= self.paraphrases == paraphrases
        return np.flatnonzero(chosen)


def missing_sentence(path: str) -> str:
    """What to do about a file of data that is not in this clone."""
    return f"{path} is not in this clone. Run `dvc pull {path}` where a remote has it, or `make repro`."


def _facts(path: Path, number: int, line: bytes) -> tuple[str, bool]:
    """The group of a row, and whether it is a paraphrase."""
    group, parent = _GROUP.search(line), _PARENT.search(line)
    if group and parent:
        return json.loads(b'"' + group[1] + b'"'), parent[1] != b"null"
    row = parse_line(path, number, line)
    return str(row.get("group")), row.get("parent") is not None


def read_index(path: Path) -> RowIndex:
    """The index of a file of instruction rows, made in one pass; one line is in memory at a time.

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
    """The rows at some places, counted from 0, each checked; the others are not read.

    :raises UserError: when the file is gone, or a row is not as declared; the row is named.
    """
    try:
        with index.path.open("rb") as stream:
            numbered = [
                (place + 1, parse_line(index.path, place + 1, index.line(stream, place))) for place in map(int, places)
            ]
        return list(passing(numbered, schema))
    except FileNotFoundError:
        raise UserError(f"{index.path} does not exist", "Run `dvc repro` to make it.") from None
    except SchemaError as error:
        raise UserError(error.at(index.path), remake(index.path, schema)) from None


def containing(index: RowIndex, places: Places, text: str) -> Places:
    """Those of `places` whose line holds `text`, in whatever case; one line is in memory at a time."""
    wanted = json.dumps(text, ensure_ascii=False)[1:-1].casefold()
    with index.path.open("rb") as stream:
        found = [
            place
            for place in map(int, places)
            if wanted in index.line(stream, place).decode(errors="replace").casefold()
        ]
    return np.array(found, np.int64)


def rows_by_id(path: Path, ids: Collection[str], schema: Schema) -> dict[str, JsonObject]:
    """The rows of some ids, found in one pass; other lines are not parsed. Those that are not there are left out.

    :raises UserError: when such a row is not as declared; the row is named.
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
        return {str(row["id"]): row for row in passing(iter(numbered), schema)}
    except SchemaError as error:
        raise UserError(error.at(path), remake(path, schema)) from None
