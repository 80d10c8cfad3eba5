"""Finding rows by what a person has at hand: an id or its beginning, a path with or without a line, a name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

import numpy as np
import pyarrow.compute as pc

from codetune.core.errors import UserError
from codetune.ledger.ledger import Ledger

_ID_PREFIX = re.compile(r"[0-9a-f]{4,}")
_WITH_LINE = re.compile(r"(?P<path>.+?):(?P<line>\d{1,9})(?:[:-]\d+)?")
_NEAREST = 3
# Names that differ more in length are no slip of the pen; leaving them out keeps the search short.
_LENGTH_SLACK = 4


def _is_path(query: str) -> Callable[[str], bool]:
    """Whether a stored path ends in `query`, or `query`, being longer, ends in the stored path."""
    wanted = f"/{query.replace(chr(92), '/').removeprefix('./').lstrip('/')}"
    return lambda path: f"/{path}".endswith(wanted) or wanted.endswith(f"/{path}")


def _is_name(query: str) -> Callable[[str], bool]:
    """Whether a stored qualname is `query` or ends in its parts."""
    return lambda name: f".{name}".endswith(f".{query}")


def _fitting(ledger: Ledger, column: str, fits: Callable[[str], bool]) -> set[int]:
    """The places of the rows whose text in `column` fits; each distinct text is asked once."""
    encoded = ledger.table[column].combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    chosen = [number for number, text in enumerate(texts) if fits(text)]
    indices = encoded.indices.fill_null(-1).to_numpy()
    return {int(place) for place in np.isin(indices, chosen).nonzero()[0]} if chosen else set()


def _with_id_prefix(ledger: Ledger, prefix: str) -> set[int]:
    if not _ID_PREFIX.fullmatch(prefix):
        return set()
    return set(pc.indices_nonzero(pc.starts_with(ledger.table["id"], prefix)).to_pylist())


def _at_line(ledger: Ledger, path: str, line: int) -> set[int]:
    """The rows of a path that hold `line`.

    :raises UserError: when the path is known and no row of it holds the line.
    """
    there = sorted(_fitting(ledger, "path", _is_path(path)))
    rows = {
        place: row
        for place, row in zip(there, ledger.rows(there), strict=True)
        if None not in (row["start_line"], row["end_line"])
    }
    if there and not rows:
        raise UserError("this ledger does not hold lines, being of an older version", "Leave the line out.")
    found = {place for place, row in rows.items() if row["start_line"] <= line <= row["end_line"]}
    if there and not found:
        near = min(rows.values(), key=lambda row: min(abs(row["start_line"] - line), abs(row["end_line"] - line)))
        raise UserError(
            f"no documented function of {near['path']} holds line {line}",
            f"The nearest is {near['qualname']}, lines {near['start_line']} to {near['end_line']}.",
        )
    return found


def find(ledger: Ledger, query: str) -> list[int]:
    """The places of the rows that `query` names, none where there are none.

    :param query: an id or its first four or more digits; a path or the end of one, alone, with `:LINE` or with
        `:QUALNAME`; or a qualname or the end of one.
    :raises UserError: when the path of `path:line` is known, but not that line.
    """
    query = query.strip()
    if exact := ledger.where("id", query):
        return exact
    if not query:
        return []
    if match := _WITH_LINE.fullmatch(query):
        return sorted(_at_line(ledger, match["path"], int(match["line"])))
    path, _, name = query.rpartition(":")
    if path:
        return sorted(
            _fitting(ledger, "path", _is_path(path.rstrip(":"))) & _fitting(ledger, "qualname", _is_name(name))
        )
    return sorted(
        _with_id_prefix(ledger, query)
        | _fitting(ledger, "path", _is_path(query))
        | _fitting(ledger, "qualname", _is_name(query))
    )


def nearest(ledger: Ledger, query: str) -> list[str]:
    """Up to three paths, for what looks like one, or names of the ledger that are spelt much like `query`."""
    head = _WITH_LINE.sub(lambda match: match["path"], query.strip()).strip(":/")
    column, separator = ("path", "/") if "/" in head or head.endswith(".py") else ("qualname", ".")
    texts = [text for text in ledger.table[column].unique().to_pylist() if text]
    parts = head.count(separator) + 1
    endings = {separator.join(text.split(separator)[-parts:]) for text in texts}  # of the shape of the query
    close = sorted(text for text in endings if abs(len(text) - len(head)) <= _LENGTH_SLACK)
    return difflib.get_close_matches(head, close, n=_NEAREST)
