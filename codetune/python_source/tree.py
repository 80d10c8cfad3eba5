"""Syntax trees by the grammar of Python 3.11, and no deeper than every Python that codetune runs on can handle."""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from collections.abc import Sequence
from itertools import accumulate

from codetune.python_source.fstrings import Refused, refused

GRAMMAR = (3, 11)
MAX_DEPTH = 2500  # Python 3.11 and 3.12 build trees of some 2900 levels, 3.13 of 9900
MAX_WALKED = 100  # a walk takes up to six Python frames a level, of a thousand that there are
_NESTING = (*"+-*/%&|^@.~([{", "not", "if", "lambda", "await", "and", "or")
_FEW = 100
_NEWER_STATEMENT = re.compile(
    r"(?:^|[;:])[ \t\f\\]*type[\s\\]+\w+[\s\\]*[\[=]|\b(?:def|class)[\s\\]+\w+[\s\\]*\[", re.MULTILINE
)
_NEWER_FSTRINGS = hasattr(tokenize, "FSTRING_START")
_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


def parse_tree(source: str, max_depth: int = MAX_DEPTH) -> ast.Module:
    """The syntax tree of `source`; odd escapes and comparisons are not remarked on.

    :param max_depth: levels of nodes; `MAX_WALKED` for a tree that is to be walked by recursion.
    :raises SyntaxError: when Python 3.11 does not parse it.
    :raises ValueError: on lone surrogates.
    :raises RecursionError, MemoryError: when it is too deep.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source, feature_version=GRAMMAR)
        except SyntaxError as error:
            found = refused(source) if _NEWER_FSTRINGS else None
            if found and found.start <= (error.lineno or 0, error.offset or 0):
                raise _as_error(found) from None
            raise
    if _NEWER_FSTRINGS and (found := refused(source)):
        raise _as_error(found)
    if len(source) > max_depth and _reaches(tree, source, max_depth):
        raise RecursionError(f"a tree of more than {max_depth} levels")
    return tree


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of `source`, or None where `parse_tree` refuses it."""
    try:
        return parse_tree(source)
    # Null bytes and lone surrogates are ValueErrors; deep nesting exhausts the parser's stack or memory.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def may_be_refused(source: str) -> bool:
    """Whether `parse_tree` may refuse a source that this Python has nothing against; False where it surely does not."""
    if _NEWER_FSTRINGS and (_NEWER_STATEMENT.search(source) or refused(source)):
        return True
    # Every level of a tree is due to one of these at the least.
    return len(source) > MAX_DEPTH and sum(map(source.count, _NESTING)) > MAX_DEPTH - _FEW


def _as_error(found: Refused) -> SyntaxError:
    return SyntaxError(found.message, ("<unknown>", found.line, 1, found.text))


def _reaches(tree: ast.Module, source: str, depth: int) -> bool:
    """Whether a tree has more levels than `depth`; each takes a character at the least, so that few are looked at."""
    lengths = (len(line) for line in source.encode(errors="surrogatepass").splitlines(keepends=True))
    starts = [0, *accumulate(lengths)]
    waiting: list[tuple[ast.AST, int, int]] = [(tree, 1, starts[-1])]
    while waiting:
        node, level, size = waiting.pop()
        if level > depth:
            return True
        for child in ast.iter_child_nodes(node):
            end = getattr(child, "end_lineno", None)
            if isinstance(child, ast.expr | ast.stmt) and end is not None:
                own = starts[end - 1] + (child.end_col_offset or 0) - starts[child.lineno - 1] - child.col_offset
            else:
                own = size
            if own + _FEW > depth - level:
                waiting.append((child, level + 1, own))
    return False


def check_walkable(node: ast.AST) -> None:
    """Nothing, for a tree that can be walked by recursion.

    :raises RecursionError: when it has more levels than `MAX_WALKED`.
    """
    level, depth = [node], 0
    while level:
        depth += 1
        if depth > MAX_WALKED:
            raise RecursionError(f"a tree of more than {MAX_WALKED} levels")
        level = [child for parent in level for child in ast.iter_child_nodes(parent)]


def dump_tree(node: ast.AST) -> str:
    """A text that is equal for equal trees, within one process.

    :raises RecursionError: as `check_walkable`.
    """
    check_walkable(node)
    return ast.dump(node)


def first_line(node: ast.stmt, lines: Sequence[str] | Sequence[bytes]) -> int:
    """The number of the line where a statement begins: of a decorated definition, that of its first `@`.

    :param lines: of the source that the node stands in; in bytes or in characters.
    """
    decorators = getattr(node, "decorator_list", [])
    if not decorators:
        return node.lineno
    line: int = decorators[0].lineno
    # The tree has no place for the sign, nor for parentheses around what comes after it.
    while lines[line - 1].lstrip()[:1] not in ("@", b"@"):
        line -= 1
    return line


def docstring_of(node: ast.AST) -> str | None:
    """The docstring of a function, class or module, cleaned of its margin; None when it has none."""
    first = node.body[0] if isinstance(node, _Documented) and node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return clean_docstring(first.value.value)
    return None


def clean_docstring(text: str) -> str:
    """A docstring without its margin and the empty lines around it, as `inspect.cleandoc` of Python 3.11 has it.

    Since Python 3.13 that takes spaces alone for a margin, not form feeds and the like.
    """
    first, *rest = text.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=None)
    lines = [first.lstrip(), *(rest if margin is None else [line[margin:] for line in rest])]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)
