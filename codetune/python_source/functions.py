"""Extract the functions and methods that have a docstring from a Python source."""

from __future__ import annotations

import ast
import hashlib
import re
import symtable
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codetune.python_source.tree import docstring_of, first_line, may_be_refused, parse_tree
from codetune.python_source.writing import unparse

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_TOO_DEEP = re.compile(r"too many (nested|statically nested|levels)")
_PYTHON_2_MESSAGE = re.compile(
    r"Missing parentheses in call to|multiple exception types must be|leading zeros in decimal|invalid (decimal|hex)"
)
_PYTHON_2_LINE = re.compile(r"^\s*raise\s+[\w.]+\s*,|<>|`|\b[uU][rR][\"']|^\s*(print|exec)\s+[^(=\s]")
_NEWER_MESSAGE = re.compile(r"f-string expression part cannot include")
# Python 3.12 to 3.15: type aliases and parameters, template strings, lazy imports.
_NEWER_LINE = re.compile(
    r"^\s*type\s+\w+.*=|^\s*(async\s+)?(def|class)\s+\w+\s*\[|\bt[rR]?[\"']|^\s*lazy\s+(import|from)\b"
)

# Between a colon and a docstring there can be only white space, comments, parentheses and line joins. The pattern also
# matches if there are more than 200 of these: without this limit, a file of nothing else would take hours.
_MAY_DOCUMENT = re.compile(r":(?:[\s\\(]|#[^\n]*\n){0,200}+(?:[uU]?[rR]?[\"']|[\s\\(#])")


@dataclass(frozen=True)
class Function:
    """A function with a docstring, exactly as written.

    :param kind: `function` or `method`.
    :param start_line: the first line, of a decorator if there is one, counted from 1.
    :param end_line: the last line, counted from 1.
    :param code: the source of these lines.
    """

    kind: str
    qualname: str
    start_line: int
    end_line: int
    signature: str
    docstring: str
    code: str


def _blame(error: SyntaxError) -> str:
    """Return the drop reason for a syntax error, from its message and line. For similar dialects this is a guess."""
    line, message = error.text or "", str(error.msg)
    if "null bytes" in message:
        return "null_byte"
    if _TOO_DEEP.search(message):
        return "too_deep"
    if _PYTHON_2_MESSAGE.search(message) or _PYTHON_2_LINE.search(line):
        return "python_2"
    return "newer_syntax" if _NEWER_MESSAGE.search(message) or _NEWER_LINE.search(line) else "syntax_error"


def parse_or_reason(text: str) -> ast.Module | str:
    """Return the syntax tree of `text`, or the drop reason (such as `syntax_error`) if Python 3.11 cannot parse it."""
    try:
        return parse_tree(text)
    except SyntaxError as error:
        return _blame(error)
    except ValueError:  # null bytes, before Python 3.11.4
        return "null_byte"
    except (RecursionError, MemoryError, SystemError):
        return "too_deep"


def parse(text: str) -> ast.Module | None:
    """Return the syntax tree of `text`, or None if it cannot be parsed (syntax error, null bytes, too deep)."""
    tree = parse_or_reason(text)
    return None if isinstance(tree, str) else tree


def _surely_undocumented(text: str) -> bool:
    """Return True if a source surely parses and has no function with a docstring, found without building a tree.

    False means that only the tree can show it.
    """
    if ("def" in text and _MAY_DOCUMENT.search(text)) or may_be_refused(text):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            symtable.symtable(text, "<source>", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
            return False
    return True


def _signature(node: FunctionNode) -> str:
    try:
        return f"{node.name}({unparse(node.args)})"
    except (RecursionError, ValueError):  # a default value that cannot be unparsed is no reason to drop it
        return f"{node.name}(...)"


def _definitions(module: ast.Module) -> Iterator[tuple[str, FunctionNode]]:
    """Yield the functions of a module and the methods of its classes, also inside blocks such as `if`.

    Each comes after the dotted name of its class and a dot, or an empty text. Functions inside functions are left out.
    """
    waiting: list[tuple[str, ast.AST]] = [("", module)]
    while waiting:
        owner, parent = waiting.pop()
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, FunctionNode):
                yield owner, node
            elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
                waiting.append((f"{owner}{node.name}." if isinstance(node, ast.ClassDef) else owner, node))


def documented_functions(text: str, tree: ast.Module) -> Iterator[Function]:
    """Yield every function and method with a docstring, in source order.

    :param text: the source that `tree` was parsed from.
    """
    lines = text.split("\n")
    found = sorted(_definitions(tree), key=lambda item: item[1].lineno)
    for owner, node in found:
        docstring = docstring_of(node)
        if not docstring or node.end_lineno is None:
            continue
        start = first_line(node, lines)
        yield Function(
            kind="method" if owner else "function",
            qualname=f"{owner}{node.name}",
            start_line=start,
            end_line=node.end_lineno,
            signature=_signature(node),
            docstring=docstring,
            code="\n".join(lines[start - 1 : node.end_lineno]),
        )


def functions_or_reason(text: str) -> Iterable[Function] | str:
    """Return the functions with a docstring in source order, or the drop reason if the source cannot be parsed."""
    if _surely_undocumented(text):
        return ()
    tree = parse_or_reason(text)
    return tree if isinstance(tree, str) else documented_functions(text, tree)


def row_id(package: str, path: str, qualname: str, code: str, occurrence: int) -> str:
    """Return the id of a row: 16 hexadecimal digits of a digest of its arguments.

    The package version has no effect, so an unchanged function keeps its id after an upgrade.

    :param occurrence: tells equal functions with the same package, path and name apart.
    """
    text = "\x1f".join([package, path, qualname, code, str(occurrence)])
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]
