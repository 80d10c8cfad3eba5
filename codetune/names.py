"""Names that a source uses and nobody binds: what a reader would stumble over before running it."""

from __future__ import annotations

import builtins
import symtable
import warnings

BUILTINS = frozenset(dir(builtins)) | {"__class__", "__name__", "__file__", "__doc__"}


def symbols_of(source: str) -> symtable.SymbolTable:
    """The symbol table of a source.

    :raises SyntaxError: as `unbound_names`; odd escapes are not remarked on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return symtable.symtable(source, "<answer>", "exec")


def bound_names(table: symtable.SymbolTable) -> set[str]:
    """What a source binds at its top level: imports, definitions and assignments."""
    return {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }


def unbound_names(source: str, known: frozenset[str]) -> list[str]:
    """Names that a source uses, but nobody binds: neither it, nor Python, nor those in `known`.

    :raises SyntaxError: when it does not parse, or the compiler refuses it, for a parameter named twice for example.
    """
    top = symbols_of(source)
    found: set[str] = set()
    waiting = [top]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            used_globally = symbol.is_global() or table is top
            if symbol.is_referenced() and used_globally:
                found.add(symbol.get_name())
    return sorted(found - bound_names(top) - known - BUILTINS)
