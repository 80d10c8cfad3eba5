"""Check of whether an answer is valid Python. The code is not run."""

from __future__ import annotations

from codetune.python_source.indentation import dedented
from codetune.python_source.tree import parse_or_none


def syntax_valid(answer: str) -> int:
    """Return 1 if the answer parses and has at least one statement, else 0; its common indentation is ignored.

    :param answer: the code of the answer.
    """
    tree = parse_or_none(dedented(answer))
    return int(tree is not None and bool(tree.body))
