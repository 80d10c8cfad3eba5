"""Scores that compare the syntax trees of answer and reference. The code is not run.

All scores are 0 if the answer or the reference does not parse.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import NamedTuple

from codetune.python_source.indentation import dedented
from codetune.python_source.names import unbound_names
from codetune.python_source.tree import MAX_WALKED, dump_tree, parse_tree

_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


class StructureScores(NamedTuple):
    """The scores of one answer against its reference.

    :param tree_match: 1 if the trees are equal without docstrings; formatting, comments and quotes do not matter.
    :param tree_similarity: twice the number of shared subtrees divided by the number of all subtrees of both trees,
        0 to 1; names and constants are ignored (the syntactic match of CodeBLEU, https://arxiv.org/abs/2009.10297, in
        both directions).
    :param signature_kept: 1 if the first function has the same name and parameters, in the same order, as in the
        reference.
    :param names_bound: 1 if every used name is defined in the answer, is built in, or is also undefined in the
        reference.
    """

    tree_match: int
    tree_similarity: float
    signature_kept: int
    names_bound: int


_NOTHING = StructureScores(0, 0.0, 0, 0)


def structure_scores(answer: str, reference: str) -> StructureScores:
    """Compute the scores of one answer; the common indentation of a text is ignored.

    :param answer: the code of the answer.
    :param reference: the code of the reference.
    """
    asked, wanted = dedented(answer), dedented(reference)
    try:
        tree, expected = _tree(asked), _tree(wanted)
        if not tree.body or not expected.body:
            return _NOTHING
        return StructureScores(
            tree_match=int(dump_tree(tree) == dump_tree(expected)),
            tree_similarity=_similarity(_subtrees(tree), _subtrees(expected)),
            signature_kept=int(_signature(tree) == _signature(expected) is not None),
            names_bound=_names_bound(asked, wanted),
        )
    except _UNPARSABLE:
        return _NOTHING


def _names_bound(answer: str, reference: str) -> int:
    """Compute `names_bound`; 0 also when code parses but does not compile, for example with a duplicate parameter."""
    try:
        return int(not unbound_names(answer, frozenset(unbound_names(reference, frozenset()))))
    except SyntaxError:
        return 0


def _tree(source: str) -> ast.Module:
    """Return the syntax tree without docstrings."""
    tree = parse_tree(source, MAX_WALKED)
    for node in ast.walk(tree):
        if isinstance(node, _FunctionNode | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _subtrees(tree: ast.AST) -> Counter[int]:
    """Count the subtrees with more than one node by their shape, which is a hash of the types of their nodes."""
    found: Counter[int] = Counter()

    def shape(node: ast.AST) -> int:
        children = [shape(child) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr_context)]
        # Hashes of strings differ between processes, so shapes can only be compared within one process.
        own = hash((type(node).__name__, *children))
        if children:
            found[own] += 1
        return own

    for child in ast.iter_child_nodes(tree):
        shape(child)
    return found


def _similarity(one: Counter[int], other: Counter[int]) -> float:
    """Return the Dice coefficient of two multisets; 0 if both are empty."""
    size = one.total() + other.total()
    return 2 * (one & other).total() / size if size else 0.0


def _signature(tree: ast.Module) -> tuple[str, ...] | None:
    """Return the name and parameters of the first function, with their stars; None if there is no function."""
    for node in ast.walk(tree):
        if isinstance(node, _FunctionNode):
            given = node.args
            plain = [argument.arg for argument in (*given.posonlyargs, *given.args)]
            rest = [f"*{given.vararg.arg}"] if given.vararg else []
            named = [f"{argument.arg}=" for argument in given.kwonlyargs]
            last = [f"**{given.kwarg.arg}"] if given.kwarg else []
            return (node.name, *plain, *rest, *named, *last)
    return None
