"""Rename the local variables of functions to neutral names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codetune.python_source.names import BUILTIN_NAMES

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SEES_NAMES = {"locals", "vars", "eval", "exec", "dir", "globals"}


def rename_locals(tree: ast.Module) -> ast.Module:
    """Rename the local variables of all top-level functions to v0, v1 and so on, in order of first use.

    Parameters, attributes and names that are visible outside the function do not change. Nothing changes if the code
    reads names as text, for example with `locals` or `eval`. The program behaves as before.

    :returns: `tree`, which is changed in place.
    """
    if any(isinstance(node, ast.Name) and node.id in _SEES_NAMES for node in ast.walk(tree)):
        return tree
    functions = [node for node in tree.body if isinstance(node, _Function)]
    used = [node for function in functions for node in _in_order(function) if isinstance(node, ast.Name)]
    fixed = _fixed_names(tree)
    stored = {node.id for node in used if isinstance(node.ctx, ast.Store)} - fixed
    taken = fixed | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | BUILTIN_NAMES
    fresh = (name for number in range(len(taken) + len(stored)) if (name := f"v{number}") not in taken - stored)
    names = {name: next(fresh) for name in dict.fromkeys(node.id for node in used if node.id in stored)}
    for node in used:
        node.id = names.get(node.id, node.id)
    return tree


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes in source order."""
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)


def _fixed_names(tree: ast.Module) -> set[str]:
    """Return the names that must not change: parameters, imports, handlers, globals, definitions, top-level names."""
    # All functions can see what is assigned at the top level.
    outside = (node for statement in tree.body if not isinstance(statement, _Function) for node in ast.walk(statement))
    found = {node.id for node in outside if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found.update(node.names)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif name := getattr(node, "name", None):  # functions, classes, handlers, patterns
            found.add(name)
    return found
