"""BERTScore of normalized programs: what does not change how a program works is removed before comparison.

Formatting, comments, docstrings and annotations are removed, and local variables are numbered. Recall has nine times
the weight of precision (F3, which Zhou et al., "CodeBERTScore", 2023, report in addition to F1). On completions of
HumanEval this score agrees better with passing the tests than BERTScore of the texts: see docs/evaluation.md. It is
rescaled like BERTScore, with the mean score of random pairs of programs. Code that does not parse gets the lowest
score.
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
    """Removes docstrings and annotations."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, _Documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        return super().generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Return an assignment without its annotation; an annotation without a value is kept."""
        self.generic_visit(node)
        return node if node.value is None else ast.Assign([node.target], node.value)


@lru_cache(_TEXTS)
def normalized(code: str) -> str | None:
    """Return the normalized source of a program: programs that differ only in what is removed get the same source.

    :param code: Python source; its common indentation is ignored.
    :returns: the normalized source; None when `code` does not parse or has no statements.
    """
    try:
        tree = parse_tree(dedented(code), MAX_WALKED)
        if not tree.body:
            return None
        bare = _Bare().visit(tree)
        return unparse(ast.fix_missing_locations(rename_locals(bare)))
    except _UNPARSABLE:
        return None


def signature(encoder: BertEncoder) -> str:
    """Return the signature of the metric: scores may be compared only if their signatures are equal.

    `python` in it is the version whose grammar parses the code and whose `ast` module writes it.

    :param encoder: the encoder in use.
    """
    version = ".".join(map(str, GRAMMAR))
    return f"form:program|beta:{_BETA}|python:{version}|{encoder.signature}"


def f3(scores: Scores) -> float:
    """Return the F3 score, the harmonic mean of precision and recall with nine times the weight on recall.

    :param scores: precision and recall; if both are 0, so is the result.
    """
    weight = _BETA**2
    total = weight * scores.precision + scores.recall
    return (1 + weight) * scores.precision * scores.recall / total if total > 0 else 0.0
