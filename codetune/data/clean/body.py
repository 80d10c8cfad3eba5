"""Read the statements of a function without those of the functions and classes inside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codetune.python_source.functions import FunctionNode


def own_nodes(node: FunctionNode) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body; inner functions and classes are yielded without their contents."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        current = waiting.pop()
        yield current
        if not isinstance(current, FunctionNode | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(current)


def returned_expressions(node: FunctionNode) -> Iterator[ast.expr]:
    """Yield the expressions that a function returns."""
    for each in own_nodes(node):
        if isinstance(each, ast.Return) and each.value is not None:
            yield each.value


def is_generator(node: FunctionNode) -> bool:
    """Return whether a function is a generator."""
    return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in own_nodes(node))
