"""The parts of Markdown that reports are made of."""

from __future__ import annotations

from collections.abc import Sequence


def fenced(text: str, language: str) -> str:
    """`text` as a block of code, in a fence that it cannot end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table of cells that are escaped already.

    :param right: the columns that are set to the right, counted from 0.
    """
    rule = ["--:" if place in right else "---" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def escaped(text: str) -> str:
    """A text as it may stand in the cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")
