"""Write syntax trees as code that is the same under every supported Python, and that Python 3.11 can parse.

Since Python 3.12, `ast.unparse` writes f-strings that Python 3.11 cannot parse, and chooses other quotes for the rest.
Here f-strings are written separately. A field contains no backslash and no quotes that would end the f-string.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from codetune.python_source.tree import check_walkable

_QUOTES = ("'", '"', '"""', "'''")
_TRIPLE = _QUOTES[2:]
# Makes `ast.unparse` write a field's expression with the right precedence. No name in a source has a null byte.
_END = ast.Name("\0", ast.Load())
_FIELD_END = " if \0 else \0"


def unparse(tree: ast.AST) -> str:
    """Return `tree` as code. The tree is not changed.

    :raises RecursionError: see `check_walkable`.
    :raises ValueError: if an f-string cannot be written without a backslash in a field.
    """
    check_walkable(tree)
    return _written(tree, _fstring, lambda node: isinstance(node, ast.JoinedStr))


def _written(tree: ast.AST, write: Callable[[ast.expr], str], apart: Callable[[ast.AST], bool]) -> str:
    """Return `tree` as code.

    :param write: writes the expressions that `apart` selects.
    :param apart: selects expressions; only the outermost ones are passed to `write`.
    """
    if apart(tree) and isinstance(tree, ast.expr):
        return write(tree)
    parts: list[ast.expr] = []
    undo: list[Callable[[], None]] = []
    waiting: list[ast.AST] = [tree]
    try:
        while waiting:
            parent = waiting.pop()
            for child in ast.iter_child_nodes(parent):
                if apart(child) and isinstance(child, ast.expr):
                    undo.append(_replace(parent, child, ast.Name(f"\0{len(parts)}\0", ast.Load())))
                    parts.append(child)
                else:
                    waiting.append(child)
        text = ast.unparse(tree)
    finally:
        for step in reversed(undo):
            step()
    for number, part in enumerate(parts):
        text = text.replace(f"\0{number}\0", write(part), 1)
    return text


def _replace(parent: ast.AST, child: ast.AST, other: ast.AST) -> Callable[[], None]:
    """Replace `child` by `other`, and return a function that undoes it."""
    for name, value in ast.iter_fields(parent):
        if value is child:
            setattr(parent, name, other)
            return lambda: setattr(parent, name, child)
        if isinstance(value, list):
            for place, item in enumerate(value):
                if item is child:
                    value[place] = other
                    return lambda: value.__setitem__(place, child)
    raise AssertionError("the node is not a child of its parent")


def _fstring(node: ast.expr) -> str:
    """Write an f-string. Its text between the fields may have backslashes, for example for line breaks."""
    assert isinstance(node, ast.JoinedStr)  # noqa: S101
    pieces = [(_text_of(value), isinstance(value, ast.Constant)) for value in node.values]
    quotes: Sequence[str] = _QUOTES
    written = []
    for text, is_constant in pieces:
        escaped, possible = _escaped(text, quotes, escape_breaks=is_constant)
        if set(possible).isdisjoint(quotes):
            # No quotes fit all pieces, so the escapes of `repr` are used, inside triple single quotes.
            return "f'''" + "".join(repr('"' + piece)[2:-1] for piece, _ in pieces) + "'''"
        written.append(escaped)
        quotes = possible
    return f"f{quotes[0]}{''.join(written)}{quotes[0]}"


def _text_of(node: ast.expr) -> str:
    """Return the text for one value of an f-string, as written between its quotes."""
    if isinstance(node, ast.JoinedStr):  # a format specification
        return "".join(map(_text_of, node.values))
    if isinstance(node, ast.FormattedValue):
        return _field(node)
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        raise ValueError(f"{type(node).__name__} cannot stand in an f-string")  # noqa: TRY004  # as `ast.unparse` does
    return node.value.replace("{", "{{").replace("}", "}}")


def _field(node: ast.FormattedValue) -> str:
    expression = ast.IfExp(_END, node.value, _END)
    text = _written(expression, _plain, _holds_text).removesuffix(_FIELD_END)
    if "\\" in text:
        raise ValueError("a field of an f-string cannot be written without a backslash")
    conversion = f"!{chr(node.conversion)}" if node.conversion != -1 else ""
    spec = f":{_text_of(node.format_spec)}" if node.format_spec else ""
    return f"{{{' ' * text.startswith('{')}{text}{conversion}{spec}}}"


def _holds_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _plain(node: ast.expr) -> str:
    """Write a string inside a field, with as few backslashes as possible."""
    if isinstance(node, ast.JoinedStr):
        prefix, text = "f", _text_of(node)
    else:
        assert isinstance(node, ast.Constant)  # noqa: S101
        prefix, text = node.kind or "", str(node.value)
    escaped, (quote, *_) = _escaped(text, _QUOTES, escape_breaks=False)
    return f"{prefix}{quote}{escaped}{quote}"


def _escaped(text: str, quotes: Sequence[str], *, escape_breaks: bool) -> tuple[str, list[str]]:
    """Return `text` as written in a string literal, and those of `quotes` that can enclose it, the best first.

    :param escape_breaks: whether to write line breaks and tabs as escapes.
    """
    kept = "" if escape_breaks else "\n\t"
    shown = "".join(
        sign if sign in kept or (sign != "\\" and sign.isprintable()) else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )
    possible = [quote for quote in quotes if quote not in shown and ("\n" not in shown or quote in _TRIPLE)]
    if not possible:
        literal = repr(text)
        return literal[1:-1], [next((quote for quote in quotes if literal[0] in quote), literal[0])]
    if shown:
        possible.sort(key=lambda quote: quote[0] == shown[-1])
        if possible[0][0] == shown[-1]:  # this is possible only for triple quotes
            shown = f"{shown[:-1]}\\{shown[-1]}"
    return shown, possible
