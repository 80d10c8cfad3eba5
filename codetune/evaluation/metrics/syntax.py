"""Whether an answer is Python at all. Nothing of it is run."""

from __future__ import annotations

from codetune.python_source.indentation import dedented
from codetune.python_source.tree import parsed


def syntax_valid(answer: str) -> int:
    """1 when the answer parses and holds at least one statement, else 0; a common indentation does not matter."""
    tree = parsed(dedented(answer))
    return int(tree is not None and bool(tree.body))
