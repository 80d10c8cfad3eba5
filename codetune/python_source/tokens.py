"""Split a source into the lexical tokens that the `tokenize` module of Python 3.11 gives.

In Python 3.12, `tokenize` changed: it splits f-strings into parts, and broken code raises other errors. Here an
f-string is one token under every Python. A character that starts no valid token is a token of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

STRING_PREFIX = r"(?:[bB][rR]?|[rR][bBfF]?|[uU]|[fF][rR]?)?"
_DIGITS = r"[0-9](?:_?[0-9])*"
_EXPONENT = rf"[eE][-+]?{_DIGITS}"
_FLOAT = rf"(?:(?:{_DIGITS}\.(?:{_DIGITS})?|\.{_DIGITS})(?:{_EXPONENT})?|{_DIGITS}{_EXPONENT})"
_NUMBER = (
    rf"(?:{_DIGITS}|{_FLOAT})[jJ]|{_FLOAT}"
    r"|0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?0)*|[1-9](?:_?[0-9])*"
)
_OPERATOR = r"\*\*=?|//=?|<<=?|>>=?|->|\.\.\.|!=|:=|[-+*/%&|^@=<>]=?|[~.,:;]"
_ONE_LINE = "|".join(rf"{quote}[^\n{quote}\\]*(?:\\.[^\n{quote}\\]*)*(?:{quote}|\\\r?\n)" for quote in "'\"")
_TOKEN = re.compile(
    r"[ \f\t]*(?:(?P<join>\\\r?\n)|(?P<end>\Z)|(?P<comment>#[^\r\n]*)"
    rf"|(?P<triple>{STRING_PREFIX}(?:'''|\"\"\"))|(?P<number>{_NUMBER})|(?P<newline>\r?\n)"
    rf"|(?P<open>[(\[{{])|(?P<close>[)\]}}])|(?P<operator>{_OPERATOR})"
    rf"|(?P<string>{STRING_PREFIX}(?:{_ONE_LINE}))|(?P<name>\w+))"
)
_MARGIN_END = re.compile(r"[^ \t\f]|\Z")
_LAYOUT = frozenset({"join", "newline", "comment", "end"})
_TAB = 8
# Match the rest of a string, from after the opening quotes to after the closing quotes.
TRIPLE_CLOSING = {
    "'''": re.compile(r"[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''", re.DOTALL),
    '"""': re.compile(r'[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""', re.DOTALL),
}
_CONTINUED_CLOSING = {quote: re.compile(rf"[^{quote}\\]*(?:\\.[^{quote}\\]*)*{quote}") for quote in "'\""}


def lexical_tokens(code: str) -> tuple[str, ...]:
    """Return the lexical tokens of a source, without comments, line ends and indentation.

    :raises SyntaxError: if the source ends inside brackets, a string or a joined line, or a line is dedented to a level
        that no enclosing block has.
    """
    return tuple(code[start:end] for start, end in token_spans(code))


def token_spans(code: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each lexical token, in characters.

    :raises SyntaxError: see `lexical_tokens`; raised when the error is reached.
    """
    return ((start, end) for start, end, _ in placed_tokens(code))


def placed_tokens(code: str) -> Iterator[tuple[int, int, bool]]:
    """Yield the start and the end of each lexical token, in characters, and whether it begins a logical line.

    :raises SyntaxError: see `lexical_tokens`; raised when the error is reached.
    """
    position, depth, margins = 0, 0, [0]
    line_starts, joined = True, False
    while position < len(code):
        begins = line_starts and depth == 0 and not joined
        if begins:
            position, line_starts = _line_start(code, position, margins)
            if line_starts or position == len(code):
                continue
        line_starts = joined = False
        match = _TOKEN.match(code, position)
        if match is None:
            yield position, position + 1, begins
            position += 1
            continue
        kind, position = str(match.lastgroup), match.end()
        if kind in {"open", "close"}:
            depth += 1 if kind == "open" else -1
        elif kind in {"join", "newline"}:
            line_starts, joined = True, kind == "join"
        elif kind in {"triple", "string"}:
            position, line_starts = _string_end(code, match)
        if kind not in _LAYOUT:
            yield match.start(kind), position, begins
    if depth or joined:
        raise SyntaxError("the source ends within a statement")


def _line_start(code: str, position: int, margins: list[int]) -> tuple[int, bool]:
    """Read the indentation of a line.

    :param margins: the indentation of the open blocks, in columns; updated for this line.
    :returns: the position of the first token and False; or, for a line without tokens, the next line and True.
    :raises IndentationError: if the line is dedented to a level that no open block has.
    """
    margin = code[position : _MARGIN_END.search(code, position).start()]  # type: ignore[union-attr]
    position += len(margin)
    if position == len(code):
        return position, False
    if code[position] in "#\r\n":
        return _next_line(code, position), True
    width = _width(margin) if margin.strip(" ") else len(margin)
    if width > margins[-1]:
        margins.append(width)
    while width < margins[-1]:
        if width not in margins:
            raise IndentationError("unindent does not match any outer indentation level")
        margins.pop()
    return position, False


def _next_line(code: str, position: int) -> int:
    return code.find("\n", position) + 1 or len(code)


def _width(margin: str) -> int:
    """Return the column after white space: a tab moves to the next multiple of 8, a form feed to 0."""
    column = 0
    for character in margin:
        column = 0 if character == "\f" else (column // _TAB + 1) * _TAB if character == "\t" else column + 1
    return column


def _string_end(code: str, opening: re.Match[str]) -> tuple[int, bool]:
    """Return the end of the string that a match begins, and whether that is the end of a line."""
    position, text = opening.end(), opening[0]
    if opening.lastgroup == "triple":
        closing = TRIPLE_CLOSING[text[-3:]].match(code, position)
        if closing is None:
            raise SyntaxError("the source ends within a string")
        return closing.end(), False
    if text.endswith("\n"):
        return _continued_end(code, opening["string"].lstrip("bBrRuUfF")[0], position)
    return position, False


def _continued_end(code: str, quote: str, position: int) -> tuple[int, bool]:
    """Return the end of a string that continues after a joined line, and whether that is the end of a line.

    It is the end of a line if the line neither closes the string nor joins the next line. Then the whole text is one
    broken token.
    """
    while position < len(code):
        line_end = _next_line(code, position)
        if closing := _CONTINUED_CLOSING[quote].match(code, position, line_end):
            return closing.end(), False
        if not code[position:line_end].endswith(("\\\n", "\\\r\n")):
            return line_end, True
        position = line_end
    raise SyntaxError("the source ends within a string")
