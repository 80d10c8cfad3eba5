"""BERTScore of programs rather than texts: what does not matter to Python is taken away before they are compared.

Layout, comments, docstrings and annotations go, and local variables are numbered. Recall weighs nine times as much as
precision (F3, as Zhou et al., "CodeBERTScore", 2023, report beside F1). On completions of HumanEval this agrees better
with passing the tests than BERTScore of the texts: see docs/evaluation.md. Like that it is rescaled, by the mean of
random pairs of programs; what does not parse is below them all.
"""

from __future__ import annotations

import ast
from functools import lru_cache

from codetune.evaluation.metrics.bertscore import BertEncoder, Scores
from codetune.python_source.indentation import dedented
from codetune.python_source.local_names import rename_locals
from codetune.python_source.tree import GRAMMAR, MAX_WALKED, parse_tree
from codetune.python_source.writing import unparse

_BETA = 3
_TEXTS = 1 << 14
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class _Bare(ast.NodeTransformer):
    """Takes away docstrings and annotations."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, _Documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        return super().generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """An assignment without its annotation; a declaration is nothing."""
        self.generic_visit(node)
        return node if node.value is None else ast.Assign([node.target], node.value)


@lru_cache(_TEXTS)
def normalized(code: str) -> str | None:
    """The program that a text is, written as every program of its tree is; None when it is none, or does nothing."""
    try:
        tree = parse_tree(dedented(code), MAX_WALKED)
        if not tree.body:
            return None
        bare = _Bare().visit(tree)
        return unparse(ast.fix_missing_locations(rename_locals(bare)))
    except _UNPARSABLE:
        return None


def signature(encoder: BertEncoder) -> str:
    """What two scores must share to be compared; `python` is the version whose grammar and wording trees have."""
    version = ".".join(map(str, GRAMMAR))
    return f"form:program|beta:{_BETA}|python:{version}|{encoder.signature}"


def f3(scores: Scores) -> float:
    """The weighted harmonic mean of precision and recall; 0 when both are."""
    weight = _BETA**2
    total = weight * scores.precision + scores.recall
    return (1 + weight) * scores.precision * scores.recall / total if total > 0 else 0.0
