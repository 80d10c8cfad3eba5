"""Extracting documented functions and methods from a Python source."""

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

# A docstring follows a colon, with nothing between but white space, comments, parentheses and line joins. Where there
# is more of those than anyone writes, it might: without a limit a file of nothing else would take hours.
_MAY_DOCUMENT = re.compile(r":(?:[\s\\(]|#[^\n]*\n){0,200}+(?:[uU]?[rR]?[\"']|[\s\\(#])")


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


def _blame(error: SyntaxError) -> str:
    """Why a source is refused, told from the message and the line; a guess where dialects look alike."""
    line, message = error.text or "", str(error.msg)
    if "null bytes" in message:
        return "null_byte"
    if _TOO_DEEP.search(message):
        return "too_deep"
    if _PYTHON_2_MESSAGE.search(message) or _PYTHON_2_LINE.search(line):
        return "python_2"
    return "newer_syntax" if _NEWER_MESSAGE.search(message) or _NEWER_LINE.search(line) else "syntax_error"


def parse_or_reason(text: str) -> ast.Module | str:
    """The syntax tree of `text`, or the reason why Python 3.11 has none for it."""
    try:
        return parse_tree(text)
    except SyntaxError as error:
        return _blame(error)
    except ValueError:  # null bytes, before Python 3.11.4
        return "null_byte"
    except (RecursionError, MemoryError, SystemError):
        return "too_deep"


def parse(text: str) -> ast.Module | None:
    """The syntax tree of `text`, or None when it cannot be parsed (syntax, null bytes, too deep)."""
    tree = parse_or_reason(text)
    return None if isinstance(tree, str) else tree


def _surely_undocumented(text: str) -> bool:
    """Whether a source is right and holds no documented function, told without a tree; False when only a tree tells."""
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
    except (RecursionError, ValueError):  # a default value that cannot be written: the function is as good as any
        return f"{node.name}(...)"


def _definitions(module: ast.Module) -> Iterator[tuple[str, FunctionNode]]:
    """Functions of a module and methods of its classes with the owner's name, in whatever blocks they stand.

    Functions inside functions stay out.
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
    """Yield every documented function and method of a source, in the order of its lines."""
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
    """The documented functions of a source in the order of its lines, or the reason why it cannot be parsed."""
    if _surely_undocumented(text):
        return ()
    tree = parse_or_reason(text)
    return tree if isinstance(tree, str) else documented_functions(text, tree)


def row_id(package: str, path: str, qualname: str, code: str, occurrence: int) -> str:
    """The identity of a row, 16 hexadecimal digits: content and place, not version, so that it survives upgrades."""
    text = "\x1f".join([package, path, qualname, code, str(occurrence)])
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]
