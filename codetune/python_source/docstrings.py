"""Code without its docstring."""

from __future__ import annotations

import ast


def without_docstring(code: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """`code` without the lines of its docstring, or None when other code shares those lines."""
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
