"""Check whether Python 3.11 accepts the f-strings of a source. Python 3.12 allows much more between their braces.

Python 3.11 reads an f-string as an ordinary string first: it ends at the next matching quotes. After that it looks for
the fields inside, which must not contain a backslash or a comment.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from codetune.python_source.tokens import STRING_PREFIX, TRIPLE_CLOSING, token_spans

_STRING = re.compile(rf"#[^\r\n]*|(?P<prefix>(?<!\w){STRING_PREFIX}|)(?P<quote>'''|\"\"\"|'|\")")
_FORMATTED = re.compile(r"(?i)\b(?:fr?|rf)['\"]")
_CLOSING = TRIPLE_CLOSING | {
    quote: re.compile(rf"[^\n{quote}\\]*(?:\\(?:\r\n|[\s\S])[^\n{quote}\\]*)*{quote}") for quote in "'\""
}
_NAMED = re.compile(r"\\N\{[^}]*\}?")
# The parts of an expression that matter here. A single quote matches `refused` if its string has a backslash or no end.
_PIECE = re.compile(
    r"(?P<text>'''(?:(?!''')[^\\])*'''|\"\"\"(?:(?!\"\"\")[^\\])*\"\"\"|'(?!'')[^'\\]*'|\"(?!\"\")[^\"\\]*\")"
    r"|(?P<refused>[\\#'\"])|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<sign>[!=<>]=|[!:=])"
)
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_MAX_DEPTH = 2
_NO_FSTRING = "f-string: this Python accepts it, Python 3.11 does not"
_PART = "f-string expression part cannot include a backslash or a comment"


@dataclass(frozen=True)
class RejectedFstring:
    """An f-string that Python 3.11 rejects.

    :param message: the error message of Python 3.11.
    :param start: line and column of the first character of the f-string, both counted from 1.
    :param line: the line number in the error of Python 3.11, counted from 1.
    :param text: the source text that Python 3.11 shows with the error.
    """

    message: str
    start: tuple[int, int]
    line: int
    text: str


class _RefusedError(Exception):
    """Raised for a field that Python 3.11 rejects.

    :param expression: the text that Python 3.11 shows instead of the line; empty if it shows the line.
    """

    def __init__(self, message: str = _NO_FSTRING, expression: str = "") -> None:
        super().__init__(message)
        self.message, self.expression = message, expression


def rejected_fstring(source: str) -> RejectedFstring | None:
    """Return the first f-string of `source` that Python 3.11 rejects, or None if it accepts all."""
    if not _FORMATTED.search(source):
        return None
    position = 0
    while match := _STRING.search(source, position):
        position = match.end()
        if not match["quote"]:
            continue
        closing = _CLOSING[match["quote"]].match(source, position)
        if closing is None:
            return _placed(_RefusedError("unterminated string literal"), source, match.start())
        body = source[position : closing.end() - len(match["quote"])]
        position = closing.end()
        prefix = match["prefix"].lower()
        if "f" in prefix:
            try:
                _read_text(body, 0, raw="r" in prefix, depth=0)
            except _RefusedError as found:
                return _placed(found, source, match.start())
    return None


def _placed(found: _RefusedError, source: str, start: int) -> RejectedFstring:
    """Add the position to `found`, as Python 3.11 reports it.

    That is the line of the first token after the string at `start` and all strings that directly follow it.
    """
    line_of = start
    try:
        for begin, end in token_spans(source):
            if begin >= start:
                line_of = begin
                if source[end - 1] not in "'\"":
                    break
    except SyntaxError:
        pass
    line_start = source.rfind("\n", 0, line_of) + 1
    line_end = source.find("\n", line_of)
    text = source[line_start : line_end if line_end >= 0 else len(source)]
    begins = (source.count("\n", 0, start) + 1, start - source.rfind("\n", 0, start))
    return RejectedFstring(found.message, begins, source.count("\n", 0, line_of) + 1, found.expression or text)


def _read_text(body: str, position: int, *, raw: bool, depth: int) -> int:
    """Read literal text and fields to the end of `body`, or to the closing brace of a format specification.

    :param depth: the nesting level of format specifications; 0 for the f-string itself.
    :returns: the position after the text.
    :raises _RefusedError: if Python 3.11 rejects a field.
    """
    while position < len(body):
        character = body[position]
        if character == "\\" and not raw:
            named = _NAMED.match(body, position)
            before_brace = body[position + 1 : position + 2] in {"{", "}"}
            position = named.end() if named else position + (1 if before_brace else 2)
        elif character not in "{}":
            position += 1
        elif depth == 0 and body[position + 1 : position + 2] == character:
            position += 2
        elif character == "{":
            position = _read_field(body, position + 1, raw=raw, depth=depth)
        elif depth == 0:
            raise _RefusedError
        else:
            return position
    return position


def _read_field(body: str, position: int, *, raw: bool, depth: int) -> int:
    """Read a field; `position` is after its opening brace, and the result is after its closing brace."""
    if depth >= _MAX_DEPTH:
        raise _RefusedError
    end = _expression_end(body, position)
    _check_expression(body[position:end])
    if body[end : end + 1] == "=":
        end += 1
        while body[end : end + 1] and body[end] in " \t\n\r\f\v":
            end += 1
    if body[end : end + 1] == "!":
        if body[end + 1 : end + 2] not in {"s", "r", "a"}:
            raise _RefusedError
        end += 2
    if body[end : end + 1] == ":":
        end = _read_text(body, end + 1, raw=raw, depth=depth + 1)
    if body[end : end + 1] != "}":
        raise _RefusedError
    return end + 1


def _expression_end(body: str, position: int) -> int:
    """Return the end of the expression at `position`: before `!`, `:`, `=` or the closing brace."""
    opened = ""
    for piece in _PIECE.finditer(body, position):
        sign, kind = piece[0], piece.lastgroup
        if kind == "refused":
            of_newer = sign in "\\#" or "\\" in body[piece.start() :]
            raise _RefusedError(_PART if of_newer else _NO_FSTRING)
        if kind == "open":
            opened += sign
        elif not opened and sign in {"!", ":", "}", "="}:
            return piece.start()
        elif kind == "close":
            if opened[-1:] != _BRACKETS[sign]:
                raise _RefusedError
            opened = opened[:-1]
    raise _RefusedError


def _check_expression(expression: str) -> None:
    """Check the remaining rules of Python 3.11 for an expression that a newer Python accepts.

    :raises _RefusedError: if the expression is empty, is a single starred one, or contains a rejected f-string.
    """
    text = expression.strip()
    if not text:
        raise _RefusedError
    if text.startswith("*"):
        try:
            ast.parse(f"({text})")
        except SyntaxError:
            raise _RefusedError(expression=f"({expression})") from None
    if inner := rejected_fstring(expression):
        raise _RefusedError(inner.message, inner.text)
