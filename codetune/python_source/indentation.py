"""Change the indentation of Python code, but not of the lines inside multi-line strings."""

from __future__ import annotations

import textwrap
from functools import reduce

from codetune.python_source.tokens import placed_tokens


def dedented(code: str) -> str:
    """Remove the indentation that all statements share. Like `textwrap.dedent`, but strings stay unchanged.

    A comment or a line in brackets that is indented less than the statements loses the indentation that it has. Lines
    with only white space become empty. If the code cannot be tokenized, `textwrap.dedent` is used.
    """
    try:
        margins, lines = _layout(code)
    except SyntaxError:
        return textwrap.dedent(code)
    margin = reduce(_shared, margins, margins[0] if margins else "")
    return "".join(line if in_string else _without(margin, line) for line, in_string in lines)


def indented(code: str, margin: str) -> str:
    """Add `margin` before each line, except blank lines and lines that begin inside a string.

    If the code cannot be tokenized, `textwrap.indent` is used.
    """
    try:
        _, lines = _layout(code)
    except SyntaxError:
        return textwrap.indent(code, margin)
    return "".join(
        line if in_string or not line.strip() else margin.join(_after_form_feed(line)) for line, in_string in lines
    )


def _layout(code: str) -> tuple[list[str], list[tuple[str, bool]]]:
    """Return the indentation of each statement, and each line with whether it begins inside a string.

    :raises SyntaxError: see `lexical_tokens`.
    """
    margins: list[str] = []
    in_string: set[int] = set()
    for start, end, begins in placed_tokens(code):
        if begins:
            margins.append(_after_form_feed(code[code.rfind("\n", 0, start) + 1 : start])[1])
        line_end = code.find("\n", start, end)
        while line_end != -1:
            in_string.add(line_end + 1)
            line_end = code.find("\n", line_end + 1, end)
    lines, place = [], 0
    for line in code.split("\n"):
        ended = f"{line}\n" if place + len(line) < len(code) else line
        lines.append((ended, place in in_string))
        place += len(ended)
    return margins, lines


def _without(margin: str, line: str) -> str:
    if not line.strip(" \t\n"):
        return line.lstrip(" \t")
    before, line = _after_form_feed(line)
    return before + line[len(_shared(margin, line)) :]


def _after_form_feed(line: str) -> tuple[str, str]:
    """Divide a line after a form feed in its leading white space, where Python counts the indentation anew."""
    place = line.rfind("\f", 0, len(line) - len(line.lstrip(" \t\f"))) + 1
    return line[:place], line[place:]


def _shared(left: str, right: str) -> str:
    """Return the common prefix of two texts."""
    length = next((place for place, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), None)
    return left[: min(len(left), len(right)) if length is None else length]
