"""Scores of an answer as a program, by its syntax tree. Nothing of it is run.

What does not parse scores 0 in all of them, and so does everything beside a reference that does not parse.
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
    """How an answer compares with its reference as a program.

    :param tree_match: 1 when the trees are the same but for docstrings: layout, comments and quotes do not matter.
    :param tree_similarity: twice the shared subtrees by the number of all, names and constants left out of account
        (the syntactic match of CodeBLEU, https://arxiv.org/abs/2009.10297, in both directions), 0 to 1.
    :param signature_kept: 1 when the first function has the name and the parameters of the reference's, in order.
    :param names_bound: 1 when every name that is used is bound, built in, or taken from outside by the reference too.
    """

    tree_match: int
    tree_similarity: float
    signature_kept: int
    names_bound: int


_NOTHING = StructureScores(0, 0.0, 0, 0)


def structure_scores(answer: str, reference: str) -> StructureScores:
    """The scores of one answer; a common indentation does not matter."""
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
    """0 also where the compiler refuses what the parser takes, a parameter named twice for example."""
    try:
        return int(not unbound_names(answer, frozenset(unbound_names(reference, frozenset()))))
    except SyntaxError:
        return 0


def _tree(source: str) -> ast.Module:
    """The syntax tree without docstrings."""
    tree = parse_tree(source, MAX_WALKED)
    for node in ast.walk(tree):
        if isinstance(node, _FunctionNode | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _subtrees(tree: ast.AST) -> Counter[int]:
    """The shapes of all subtrees that are more than a leaf, each by a hash of its kinds of nodes."""
    found: Counter[int] = Counter()

    def shape(node: ast.AST) -> int:
        children = [shape(child) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr_context)]
        # Hashes of strings differ from process to process, and so does this one; only equality within one is used.
        own = hash((type(node).__name__, *children))
        if children:
            found[own] += 1
        return own

    for child in ast.iter_child_nodes(tree):
        shape(child)
    return found


def _similarity(one: Counter[int], other: Counter[int]) -> float:
    """Dice's coefficient of two multisets; 0 where both are empty."""
    size = one.total() + other.total()
    return 2 * (one & other).total() / size if size else 0.0


def _signature(tree: ast.Module) -> tuple[str, ...] | None:
    """Name and parameters of the first function, stars included; None where there is none."""
    for node in ast.walk(tree):
        if isinstance(node, _FunctionNode):
            given = node.args
            plain = [argument.arg for argument in (*given.posonlyargs, *given.args)]
            rest = [f"*{given.vararg.arg}"] if given.vararg else []
            named = [f"{argument.arg}=" for argument in given.kwonlyargs]
            last = [f"**{given.kwarg.arg}"] if given.kwarg else []
            return (node.name, *plain, *rest, *named, *last)
    return None
