"""Find names that a source uses but does not define."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings

from codetune.python_source.tree import parse_tree

# Without the names that Python 3.13 added, so that the result is that of Python 3.11.
BUILTIN_NAMES = frozenset(dir(builtins)) - {"PythonFinalizationError", "_IncompleteInputError"}
BUILTINS = BUILTIN_NAMES | {"__class__", "__name__", "__file__", "__doc__"}
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def _symbols_of(source: str) -> symtable.SymbolTable:
    """Return the symbol table of a source that `parse_tree` accepts, without warnings about invalid escapes.

    :raises SyntaxError: see `free_names`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return symtable.symtable(source, "<answer>", "exec")


def bound_names(tree: ast.Module) -> set[str]:
    """Return the names that a source binds at its top level: by imports, definitions and assignments.

    Variables of comprehensions are not included. The tree is used and not the symbol table, because since Python 3.12
    the symbol table lists the variables of a comprehension in the scope around it.
    """
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        found |= _bound_by(node)
        waiting += _same_scope(node)
    return found


def _bound_by(node: ast.AST) -> set[str]:
    """Return the names that a node itself binds, without its children."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return {name}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(alias.asname or alias.name).split(".")[0] for alias in names} - {"*"}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return {name}
        case ast.MatchMapping(rest=str(name)):
            return {name}
    return set()


def _same_scope(node: ast.AST) -> list[ast.AST]:
    """Return the children of a node that are evaluated in the same scope as the node."""
    if isinstance(node, _COMPREHENSIONS):
        return [node.generators[0].iter]
    if isinstance(node, ast.AnnAssign) and node.value is None and not node.simple:
        return [node.annotation]
    scope_of_its_own = "body" if isinstance(node, _FUNCTIONS | ast.ClassDef) else ""
    values = [value for name, value in ast.iter_fields(node) if name != scope_of_its_own]
    children = [child for value in values for child in (value if isinstance(value, list) else [value])]
    return [child for child in children if isinstance(child, ast.AST)]


def free_names(source: str) -> set[str]:
    """Return the names that a source uses but does not bind, including builtins.

    :raises SyntaxError: if it does not parse, or the compiler rejects it, for example for a duplicate parameter name.
    """
    bound = bound_names(parse_tree(source))
    top = _symbols_of(source)
    found: set[str] = set()
    waiting = [top]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            # Since Python 3.12, a name assigned at the top level but not in `bound` belongs to a comprehension.
            used_globally = not symbol.is_assigned() if table is top else symbol.is_global()
            if symbol.is_referenced() and used_globally:
                found.add(symbol.get_name())
    return found - bound


def unbound_names(source: str, known: frozenset[str]) -> list[str]:
    """Return the names that a source uses, but that are neither bound in it, nor builtins, nor in `known`.

    :param known: more names that count as bound.
    :returns: the names in alphabetical order.
    :raises SyntaxError: see `free_names`.
    """
    return sorted(free_names(source) - known - BUILTINS)
