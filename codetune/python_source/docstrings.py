"""Remove the docstring from the source of a function."""

from __future__ import annotations

import ast


def without_docstring(code: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """Remove the lines of a function's docstring.

    :param code: the source that `node` was parsed from.
    :param node: a function that has a docstring.
    :returns: the source without the docstring and the empty lines after it; None if these lines also hold other code.
    """
    docstring = node.body[0]
    lines = code.split("\n")
    start, end = docstring.lineno - 1, docstring.end_lineno or docstring.lineno
    before = lines[start][: docstring.col_offset].strip()
    after = lines[end - 1].encode()[docstring.end_col_offset or 0 :].decode(errors="replace").split("#")[0].strip()
    if before or after:
        return None
    rest = lines[end:]
    while rest and not rest[0].strip():
        rest.pop(0)
    return "\n".join([*lines[:start], *rest]).rstrip()
