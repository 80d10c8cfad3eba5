"""Names that a source uses and nobody binds: what a reader would stumble over before running it."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings

from codetune.python_source.tree import parse_tree

# Without those that Python 3.13 brought: names are judged as Python 3.11 knows them.
BUILTIN_NAMES = frozenset(dir(builtins)) - {"PythonFinalizationError", "_IncompleteInputError"}
BUILTINS = BUILTIN_NAMES | {"__class__", "__name__", "__file__", "__doc__"}
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def _symbols_of(source: str) -> symtable.SymbolTable:
    """The symbol table of a source that `parse_tree` takes.

    :raises SyntaxError: as `unbound_names`; odd escapes are not remarked on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return symtable.symtable(source, "<answer>", "exec")


def bound_names(tree: ast.Module) -> set[str]:
    """What a source binds at its top level: imports, definitions and assignments, not what comprehensions count with.

    Taken from the tree: since Python 3.12 the symbol table has the variables of comprehensions among those around them.
    """
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        found |= _bound_by(node)
        waiting += _same_scope(node)
    return found


def _bound_by(node: ast.AST) -> set[str]:
    """The names that a node binds itself."""
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
    """The children of a node that are evaluated in the scope that it stands in."""
    if isinstance(node, _COMPREHENSIONS):
        return [node.generators[0].iter]
    if isinstance(node, ast.AnnAssign) and node.value is None and not node.simple:
        return [node.annotation]
    scope_of_its_own = "body" if isinstance(node, _FUNCTIONS | ast.ClassDef) else ""
    values = [value for name, value in ast.iter_fields(node) if name != scope_of_its_own]
    children = [child for value in values for child in (value if isinstance(value, list) else [value])]
    return [child for child in children if isinstance(child, ast.AST)]


def names_from_outside(source: str) -> set[str]:
    """Names that a source uses and does not bind itself, those of Python among them.

    :raises SyntaxError: when it does not parse, or the compiler refuses it, for a parameter named twice for example.
    """
    bound = bound_names(parse_tree(source))
    top = _symbols_of(source)
    found: set[str] = set()
    waiting = [top]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            # What is assigned at the top but not bound there is a comprehension's, since Python 3.12.
            used_globally = not symbol.is_assigned() if table is top else symbol.is_global()
            if symbol.is_referenced() and used_globally:
                found.add(symbol.get_name())
    return found - bound


def unbound_names(source: str, known: frozenset[str]) -> list[str]:
    """Names that a source uses, but nobody binds: neither it, nor Python, nor those in `known`.

    :raises SyntaxError: as `names_from_outside`.
    """
    return sorted(names_from_outside(source) - known - BUILTINS)
