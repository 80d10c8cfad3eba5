"""Format code blocks and tables in Markdown for reports."""

from __future__ import annotations

from collections.abc import Sequence


def fenced(text: str, language: str) -> str:
    """Return `text` as a code block. The fence is longer than any run of backticks in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return a Markdown table.

    :param head: the column titles.
    :param rows: the cells of each row; they must be escaped already, see `escaped`.
    :param right: the columns that are aligned to the right, counted from 0.
    """
    rule = ["--:" if place in right else "---" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def escaped(text: str) -> str:
    """Escape a text for a table cell: `|` gets a backslash, and a line break becomes a space."""
    return text.replace("|", "\\|").replace("\n", " ")
