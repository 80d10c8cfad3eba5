"""The indentation of Python code, changed without touching the strings that go over several lines."""

from __future__ import annotations

import textwrap
from functools import reduce

from codetune.python_source.tokens import placed_tokens


def dedented(code: str) -> str:
    """`code` without the margin that its statements have in common, as `textwrap.dedent` but for strings.

    Lines within a string stay as they are. A comment, or a line within brackets, that stands left of the statements
    loses what margin it has. Lines of blanks alone become empty. Text that cannot be cut into tokens goes through
    `textwrap.dedent`.
    """
    try:
        margins, lines = _layout(code)
    except SyntaxError:
        return textwrap.dedent(code)
    margin = reduce(_shared, margins, margins[0] if margins else "")
    return "".join(line if in_string else _without(margin, line) for line, in_string in lines)


def indented(code: str, margin: str) -> str:
    """`code` with a margin before each line that is not blank and does not begin within a string."""
    try:
        _, lines = _layout(code)
    except SyntaxError:
        return textwrap.indent(code, margin)
    return "".join(line if in_string or not line.strip() else margin + line for line, in_string in lines)


def _layout(code: str) -> tuple[list[str], list[tuple[str, bool]]]:
    """The margins of all statements, and each line with whether it begins within a string.

    :raises SyntaxError: as `placed_tokens`.
    """
    margins: list[str] = []
    in_string: set[int] = set()
    for start, end, begins in placed_tokens(code):
        if begins:
            margins.append(code[code.rfind("\n", 0, start) + 1 : start])
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
    return line[len(_shared(margin, line)) :]


def _shared(left: str, right: str) -> str:
    """What two texts begin with alike."""
    length = next((place for place, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), None)
    return left[: min(len(left), len(right)) if length is None else length]
