"""Programs with one fault: the mutations that mutation testing makes (DeMillo, Lipton and Sayward, 1978)."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator

from codetune.python_source.writing import unparse

_Change = Callable[[ast.AST], ast.AST | None]
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
    """At most `count` sources that differ from `tree` in one place, each with the kind of change.

    Whether a change is a fault is not known before it is run.
    """
    sites = list(_sites(tree))
    draw.shuffle(sites)
    plain = unparse(tree)
    seen = {plain}
    for place, kind in sites:
        if len(seen) > count:
            return
        changed = _Replace(place, _CHANGES[kind]).visit(copy.deepcopy(tree))
        source = unparse(ast.fix_missing_locations(changed))
        if source not in seen:
            seen.add(source)
            yield kind, source


def _sites(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Where a change is possible, as the number of the node in the order of a visit, and the kind of change."""
    for place, node in enumerate(_visited(tree)):
        for kind, change in _CHANGES.items():
            if change(copy.deepcopy(node)) is not None:
                yield place, kind


def _visited(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _visited(child)


class _Replace(ast.NodeTransformer):
    """Changes the node of a number, counted as `_visited` does."""

    def __init__(self, place: int, change: _Change) -> None:
        self._left, self._change = place, change

    def visit(self, node: ast.AST) -> ast.AST:
        if self._left == 0:
            self._left -= 1
            return self._change(node) or node
        self._left -= 1
        return self.generic_visit(node)


def _comparison(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Compare):
        return None
    node.ops = [_COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
    return node


def _arithmetic(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.BinOp | ast.AugAssign) or type(node.op) not in _ARITHMETIC:
        return None
    node.op = _ARITHMETIC[type(node.op)]()
    return node


def _logic(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.BoolOp):
        return None
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    return node


def _condition(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.If | ast.While | ast.IfExp):
        return None
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return node


def _constant(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Constant):
        return None
    if isinstance(node.value, bool):
        return ast.Constant(not node.value)
    if isinstance(node.value, int | float):
        return ast.Constant(node.value + 1)
    return ast.Constant(node.value + "x") if isinstance(node.value, str) else None


def _return(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Return) or node.value is None:
        return None
    return ast.Return(ast.Constant(None))


def _statement(node: ast.AST) -> ast.AST | None:
    return ast.Pass() if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr) else None


def _arguments(node: ast.AST) -> ast.AST | None:
    if not isinstance(node, ast.Call) or len(node.args) < 2:  # noqa: PLR2004  # two to change places
        return None
    if any(isinstance(argument, ast.Starred) for argument in node.args[:2]):
        return None
    node.args[:2] = node.args[1], node.args[0]
    return node


_CHANGES: dict[str, _Change] = {
    "comparison": _comparison,
    "arithmetic": _arithmetic,
    "logic": _logic,
    "condition": _condition,
    "constant": _constant,
    "return": _return,
    "statement": _statement,
    "arguments": _arguments,
}
KINDS = tuple(_CHANGES)
