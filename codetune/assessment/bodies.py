"""Functions that the base model writes below a signature and its docstring."""

from __future__ import annotations

import ast
import builtins
import symtable
import textwrap
import warnings
from dataclasses import dataclass

from codetune.ingestion.functions import FunctionNode, parse

_BUILTINS = frozenset(dir(builtins)) | {"__class__", "__name__", "__file__", "__doc__"}


@dataclass(frozen=True)
class Asked:
    """The head of a real function: everything up to the end of its docstring.

    `known` are the names that the file it comes from binds at its top level.
    """

    id: str
    head: str
    known: frozenset[str]


def head_of(code: str) -> str | None:
    """Signature and docstring of a function, dedented; None where no body follows.

    The line break is left to the model: with the indentation after it, it is one token.
    """
    text = textwrap.dedent(code)
    tree = parse(text)
    if tree is None or not tree.body or not isinstance(tree.body[0], FunctionNode):
        return None
    docstring = tree.body[0].body[0]
    following = tree.body[0].body[1:]
    if docstring.end_lineno is None or not following or following[0].lineno <= docstring.end_lineno:
        return None
    return "".join(text.splitlines(keepends=True)[: docstring.end_lineno]).rstrip("\n")


def top_level_names(text: str) -> frozenset[str]:
    """What a source binds at its top level: imports, definitions and assignments."""
    try:
        table = _table(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or _binds(symbol))


def _binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_imported() or symbol.is_namespace()


def function_text(head: str, answer: str) -> str:
    """`head` and what follows it, up to the first line that stands as far left as the function itself."""
    first, *rest = answer.splitlines(keepends=True) or [""]
    kept = [first]
    for line in rest:
        if line.strip() and not line[0].isspace():
            break
        kept.append(line)
    return head + "".join(kept)


def has_body(source: str) -> bool:
    """Whether a function parses and does something after its docstring."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    first = tree.body[0] if tree.body else None
    return isinstance(first, FunctionNode) and len(first.body) > 1


def unbound_names(source: str, known: frozenset[str]) -> list[str]:
    """Names that a parsing source uses, but nobody binds: neither it, nor Python, nor those in `known`."""
    top = _table(source)
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or _binds(symbol)}
    found: set[str] = set()
    waiting = [top]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            used_globally = symbol.is_global() or table is top
            if symbol.is_referenced() and used_globally:
                found.add(symbol.get_name())
    return sorted(found - bound - known - _BUILTINS)


def _table(source: str) -> symtable.SymbolTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return symtable.symtable(source, "<answer>", "exec")
