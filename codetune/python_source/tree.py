"""Parse syntax trees with the grammar of Python 3.11; reject trees that are too deep for a supported Python version."""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from collections.abc import Sequence
from itertools import accumulate

from codetune.python_source.fstrings import RejectedFstring, rejected_fstring

GRAMMAR = (3, 11)
MAX_DEPTH = 2500  # levels of nodes; Python 3.11 and 3.12 can build about 2900, 3.13 about 9900
MAX_WALKED = 100  # levels; a recursive walk needs up to six Python frames per level, and the limit is 1000
_NESTING = (*"+-*/%&|^@.~([{", "not", "if", "lambda", "await", "and", "or")
_FEW = 100
_NEWER_STATEMENT = re.compile(
    r"(?:^|[;:])[ \t\f\\]*type[\s\\]+\w+[\s\\]*[\[=]|\b(?:def|class)[\s\\]+\w+[\s\\]*\[", re.MULTILINE
)
_NEWER_FSTRINGS = hasattr(tokenize, "FSTRING_START")
_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


def parse_tree(source: str, max_depth: int = MAX_DEPTH) -> ast.Module:
    """Return the syntax tree of `source`, without warnings about invalid escapes and comparisons.

    :param max_depth: the most levels of nodes; use `MAX_WALKED` for a tree that is walked recursively.
    :raises SyntaxError: if Python 3.11 cannot parse it.
    :raises ValueError: if it contains lone surrogates.
    :raises RecursionError, MemoryError: if the tree is too deep.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source, feature_version=GRAMMAR)
        except SyntaxError as error:
            found = rejected_fstring(source) if _NEWER_FSTRINGS else None
            if found and found.start <= (error.lineno or 0, error.offset or 0):
                raise _as_error(found) from None
            raise
    if _NEWER_FSTRINGS and (found := rejected_fstring(source)):
        raise _as_error(found)
    if len(source) > max_depth and _reaches(tree, source, max_depth):
        raise RecursionError(f"the tree has more than {max_depth} levels")
    return tree


def parse_or_none(source: str) -> ast.Module | None:
    """Return the syntax tree of `source`, or None if `parse_tree` raises an error."""
    try:
        return parse_tree(source)
    # Null bytes and lone surrogates are ValueErrors; deep nesting exhausts the parser's stack or memory.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def may_be_refused(source: str) -> bool:
    """Return whether `parse_tree` could reject a source that the running Python accepts.

    False is certain; True means that only `parse_tree` can decide.
    """
    if _NEWER_FSTRINGS and (_NEWER_STATEMENT.search(source) or rejected_fstring(source)):
        return True
    # Every level of a tree needs at least one of these tokens.
    return len(source) > MAX_DEPTH and sum(map(source.count, _NESTING)) > MAX_DEPTH - _FEW


def _as_error(found: RejectedFstring) -> SyntaxError:
    return SyntaxError(found.message, ("<unknown>", found.line, 1, found.text))


def _reaches(tree: ast.Module, source: str, depth: int) -> bool:
    """Return whether a tree has more levels than `depth`.

    Every level needs at least one character, so nodes with too little source text are skipped.
    """
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
    """Check that a tree can be walked recursively.

    :raises RecursionError: if it has more levels than `MAX_WALKED`.
    """
    level, depth = [node], 0
    while level:
        depth += 1
        if depth > MAX_WALKED:
            raise RecursionError(f"the tree has more than {MAX_WALKED} levels")
        level = [child for parent in level for child in ast.iter_child_nodes(parent)]


def dump_tree(node: ast.AST) -> str:
    """Return a text that is equal for equal trees. Compare it only within one process.

    :raises RecursionError: see `check_walkable`.
    """
    check_walkable(node)
    return ast.dump(node)


def first_line(node: ast.stmt, lines: Sequence[str] | Sequence[bytes]) -> int:
    """Return the line number where a statement begins; for a decorated definition, the line of its first `@`.

    :param lines: the lines of the source that contains the node, as bytes or text.
    """
    decorators = getattr(node, "decorator_list", [])
    if not decorators:
        return node.lineno
    line: int = decorators[0].lineno
    # The tree does not give the position of the `@`, nor of parentheses around the decorator.
    while lines[line - 1].lstrip()[:1] not in ("@", b"@"):
        line -= 1
    return line


def docstring_of(node: ast.AST) -> str | None:
    """Return the docstring of a function, class or module, cleaned by `clean_docstring`; None if it has none."""
    first = node.body[0] if isinstance(node, _Documented) and node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return clean_docstring(first.value.value)
    return None


def clean_docstring(text: str) -> str:
    """Remove the indentation of a docstring and the empty lines around it, like `inspect.cleandoc` of Python 3.11.

    Since Python 3.13, `inspect.cleandoc` removes only spaces, not form feeds and other white space.
    """
    first, *rest = text.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=None)
    lines = [first.lstrip(), *(rest if margin is None else [line[margin:] for line in rest])]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)
