"""Functions that the base model writes below a signature and its docstring."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from codetune.ingestion.functions import FunctionNode, parse
from codetune.names import bound_names, check_names


@dataclass(frozen=True)
class Asked:
    """The head of a real function: everything up to the end of its docstring.

    `known` are the names that the file it comes from binds at its top level.
    """

    id: str
    head: str
    known: frozenset[str]


def head_of(code: str) -> str | None:
    """Signature and docstring of a function, dedented; None where no body follows.

    The line break is left to the model: with the indentation after it, it is one token.
    """
    text = textwrap.dedent(code)
    tree = parse(text)
    if tree is None or not tree.body or not isinstance(tree.body[0], FunctionNode):
        return None
    docstring = tree.body[0].body[0]
    following = tree.body[0].body[1:]
    if docstring.end_lineno is None or not following or following[0].lineno <= docstring.end_lineno:
        return None
    return "".join(text.splitlines(keepends=True)[: docstring.end_lineno]).rstrip("\n")


def top_level_names(text: str) -> frozenset[str]:
    """What a source binds at its top level; nothing where it does not parse."""
    try:
        return frozenset(bound_names(check_names(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()


def function_text(head: str, answer: str) -> str:
    """`head` and what follows it, up to the first line that stands as far left as the function itself."""
    first, *rest = answer.splitlines(keepends=True) or [""]
    kept = [first]
    for line in rest:
        if line.strip() and not line[0].isspace():
            break
        kept.append(line)
    return head + "".join(kept)


def has_body(source: str) -> bool:
    """Whether a function parses and does something after its docstring; a parameter named twice is no function."""
    try:
        tree = check_names(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    first = tree.body[0] if tree.body else None
    return isinstance(first, FunctionNode) and len(first.body) > 1
