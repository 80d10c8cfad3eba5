"""Programs with one fault, made by the changes of mutation testing (DeMillo, Lipton and Sayward, 1978)."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator
from typing import Any

from codetune.python_source.writing import unparse

KINDS = ("comparison", "arithmetic", "logic", "condition", "constant", "return", "statement", "arguments")
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


def mutants(tree: ast.Module, count: int, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Yield sources that differ from a program in one place. Only a run of the tests shows whether a change is a fault.

    :param tree: the syntax tree of the program; it is not changed.
    :param count: the maximal number of sources.
    :param draw: chooses the places and kinds of change.
    :returns: pairs of the kind of change and the source.
    """
    sites = list(_sites(tree))
    draw.shuffle(sites)
    plain = unparse(tree)
    seen = {plain}
    for place, kind in sites:
        if len(seen) > count:
            return
        changed = _Replace(place, kind).visit(copy.deepcopy(tree))
        source = unparse(ast.fix_missing_locations(changed))
        if source not in seen:
            seen.add(source)
            yield kind, source


def _sites(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each possible change as the number of the node, counted as `_visited` does, and the kind of change."""
    for place, node in enumerate(_visited(tree)):
        yield from ((place, kind) for kind in _changed(node))


def _visited(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _visited(child)


class _Replace(ast.NodeTransformer):
    """Changes the node with a given number, counted as `_visited` does."""

    def __init__(self, place: int, kind: str) -> None:
        self._left, self._kind = place, kind

    def visit(self, node: ast.AST) -> ast.AST:
        self._left -= 1
        return _changed(node)[self._kind] if self._left == -1 else self.generic_visit(node)


def _changed(node: ast.AST) -> dict[str, ast.AST]:
    """Return the possible replacements of a node by kind of change; the node itself is not changed."""
    found: dict[str, ast.AST] = {}
    match node:
        case ast.Compare(ops=[first, *others]):
            found["comparison"] = _with(node, ops=[_COMPARISONS[type(first)](), *others])
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in _ARITHMETIC:
            found["arithmetic"] = _with(node, op=_ARITHMETIC[type(operator)]())
        case ast.BoolOp(op=operator):
            found["logic"] = _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            found["condition"] = _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=int(value) | float(value) | str(value)):
            found["constant"] = ast.Constant(_another(value))
        case ast.Return(value=ast.expr()):
            found["return"] = ast.Return(ast.Constant(None))
        case ast.Call(args=[first, second, *others]) if ast.Starred not in map(type, (first, second)):
            found["arguments"] = _with(node, args=[second, first, *others])
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
        found["statement"] = ast.Pass()
    return found


def _another(value: float | str) -> float | str:
    if isinstance(value, bool):
        return not value
    return value + "x" if isinstance(value, str) else value + 1


def _with(node: ast.AST, **fields: Any) -> ast.AST:
    """Return a copy of a node with some fields replaced."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
