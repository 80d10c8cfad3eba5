"""Find rows by id or the beginning of an id, by path with or without a line, or by name."""

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
# Names that differ more in length are not typing errors; leaving them out makes the search faster.
_LENGTH_SLACK = 4


def _is_path(query: str) -> Callable[[str], bool]:
    """A function that tests whether a stored path ends with `query`, or `query` ends with the stored path."""
    wanted = f"/{query.replace(chr(92), '/').removeprefix('./').lstrip('/')}"
    return lambda path: f"/{path}".endswith(wanted) or wanted.endswith(f"/{path}")


def _is_name(query: str) -> Callable[[str], bool]:
    """A function that tests whether a stored qualname is `query` or ends with `.` and `query`."""
    return lambda name: f".{name}".endswith(f".{query}")


def _fitting(ledger: Ledger, column: str, fits: Callable[[str], bool]) -> set[int]:
    """Numbers of the rows whose text in `column` satisfies `fits`, which is called once for each distinct text."""
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
    """Numbers of the rows with this path whose line range contains `line`.

    :raises UserError: when rows have the path, but none of them contains the line.
    """
    there = sorted(_fitting(ledger, "path", _is_path(path)))
    rows = {
        place: row
        for place, row in zip(there, ledger.rows(there), strict=True)
        if None not in (row["start_line"], row["end_line"])
    }
    if there and not rows:
        raise UserError("this ledger has an older format, without line numbers", "Leave the line out.")
    found = {place for place, row in rows.items() if row["start_line"] <= line <= row["end_line"]}
    if there and not found:
        near = min(rows.values(), key=lambda row: min(abs(row["start_line"] - line), abs(row["end_line"] - line)))
        raise UserError(
            f"no documented function of {near['path']} contains line {line}",
            f"The nearest is {near['qualname']}, lines {near['start_line']} to {near['end_line']}.",
        )
    return found


def find(ledger: Ledger, query: str) -> list[int]:
    """Find the rows that match a query.

    :param query: an id or its first four or more digits; a path or the end of a path, alone, with `:LINE` or with
        `:QUALNAME`; or a qualname or the end of a qualname.
    :returns: row numbers in the ledger, counted from 0.
    :raises UserError: when rows have the path of `path:line`, but none of them contains the line.
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
    """Find up to three paths or qualnames in the ledger with a similar spelling, to suggest after a typing error.

    :param query: a query as in `find`; paths are suggested if it looks like a path.
    """
    head = _WITH_LINE.sub(lambda match: match["path"], query.strip()).strip(":/")
    column, separator = ("path", "/") if "/" in head or head.endswith(".py") else ("qualname", ".")
    texts = [text for text in ledger.table[column].unique().to_pylist() if text]
    parts = head.count(separator) + 1
    endings = {separator.join(text.split(separator)[-parts:]) for text in texts}  # with as many parts as the query
    close = sorted(text for text in endings if abs(len(text) - len(head)) <= _LENGTH_SLACK)
    return difflib.get_close_matches(head, close, n=_NEAREST)
