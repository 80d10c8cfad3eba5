"""Equivalent programs: the same function with other formatting, names, branches, comparisons or statement order."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable

from codetune.python_source.local_names import rename_locals
from codetune.python_source.writing import unparse

_MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq,
}  # fmt: skip


def equivalents(tree: ast.Module) -> dict[str, str]:
    """Return sources of programs that should behave like `tree`, by kind of change.

    Exchanged operands of a comparison are evaluated in another order, so equal behaviour must be checked by running
    them.

    :param tree: the syntax tree of the program; it is not changed.
    :returns: the sources; kinds of change that do not apply are left out.
    """
    plain = unparse(tree)
    found = {"layout": plain}
    for name, change in _CHANGES.items():
        source = unparse(ast.fix_missing_locations(change(copy.deepcopy(tree))))
        if source != plain:
            found[name] = source
    return found


class _Branches(ast.NodeTransformer):
    """Exchanges the two branches of every condition, and negates the condition."""

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if not node.orelse:
            return node
        return ast.If(ast.UnaryOp(ast.Not(), node.test), node.orelse, node.body)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.orelse, node.body)


class _Comparisons(ast.NodeTransformer):
    """Exchanges the operands of comparisons, as in `a < b` and `b > a`."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) != 1 or type(node.ops[0]) not in _MIRRORED:
            return node
        return ast.Compare(node.comparators[0], [_MIRRORED[type(node.ops[0])]()], [node.left])


def _reordered(tree: ast.Module) -> ast.AST:
    """Exchange neighbouring assignments that do not depend on each other."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                _swap(statements)
    return tree


def _swap(statements: list[ast.stmt]) -> None:
    place = 0
    while place + 1 < len(statements):
        first, second = statements[place], statements[place + 1]
        if _independent(first, second):
            statements[place], statements[place + 1] = second, first
            place += 1
        place += 1


def _independent(first: ast.stmt, second: ast.stmt) -> bool:
    one, other = _simple(first), _simple(second)
    if one is None or other is None:
        return False
    (target, read), (other_target, other_read) = one, other
    return target != other_target and target not in other_read and other_target not in read


def _simple(statement: ast.stmt) -> tuple[str, set[str]] | None:
    """Return the target of an assignment and the names that it reads; None if its value may fail or have side effects.

    Only one plain name is accepted as target, and only names, constants and collections of them as value.
    """
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    plain = (ast.Constant, ast.Name, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.expr_context)
    if not isinstance(target, ast.Name) or not all(isinstance(node, plain) for node in ast.walk(statement.value)):
        return None
    return target.id, {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}


_CHANGES: dict[str, Callable[[ast.Module], ast.AST]] = {
    "names": rename_locals,
    "branches": lambda tree: _Branches().visit(tree),
    "comparisons": lambda tree: _Comparisons().visit(tree),
    "order": _reordered,
}
KINDS = ("layout", *_CHANGES)
