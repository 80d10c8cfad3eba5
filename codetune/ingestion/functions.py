"""Extracting documented functions and methods from a Python source."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """A documented function exactly as written; lines are counted from 1 and include decorators."""

    kind: str
    qualname: str
    start_line: int
    end_line: int
    signature: str
    docstring: str
    code: str


def parse(text: str) -> ast.Module | None:
    """The syntax tree of `text`, or None when it cannot be parsed (syntax, null bytes, too deep)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _definitions(body: list[ast.stmt], owner: str) -> Iterator[tuple[str, FunctionNode]]:
    """Functions of a module and methods of its classes with the owner's name; functions inside functions stay out."""
    for node in body:
        if isinstance(node, FunctionNode):
            yield owner, node
        elif isinstance(node, ast.ClassDef):
            yield from _definitions(node.body, f"{owner}{node.name}.")
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for inner in ("body", "orelse", "finalbody"):
                yield from _definitions(getattr(node, inner, []), owner)


def documented_functions(text: str, tree: ast.Module) -> Iterator[Function]:
    """Yield every documented function and method of a source, in the order of its lines."""
    lines = text.split("\n")
    found = sorted(_definitions(tree.body, ""), key=lambda item: item[1].lineno)
    for owner, node in found:
        docstring = ast.get_docstring(node, clean=True)
        if not docstring or node.end_lineno is None:
            continue
        start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        yield Function(
            kind="method" if owner else "function",
            qualname=f"{owner}{node.name}",
            start_line=start,
            end_line=node.end_lineno,
            signature=f"{node.name}({ast.unparse(node.args)})",
            docstring=docstring,
            code="\n".join(lines[start - 1 : node.end_lineno]),
        )


def row_id(package: str, path: str, qualname: str, code: str, occurrence: int) -> str:
    """The identity of a row, 16 hexadecimal digits: content and place, not version, so that it survives upgrades."""
    text = "\x1f".join([package, path, qualname, code, str(occurrence)])
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]
