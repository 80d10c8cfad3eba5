"""Whether an answer is Python at all. Nothing of it is run."""

from __future__ import annotations

import textwrap

from codetune.python_source.tree import parse_tree


def syntax_valid(answer: str) -> int:
    """1 when the answer parses and holds at least one statement, else 0; a common indentation does not matter."""
    try:
        return int(bool(parse_tree(textwrap.dedent(answer)).body))
    # Null bytes and lone surrogates are ValueErrors; deep nesting exhausts the parser's stack or memory.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
