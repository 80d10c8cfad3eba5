"""Instructions with a fixed wording: the function and its parameters by name, then what the function does."""

from __future__ import annotations

import ast
import re

from codetune.python_source.functions import FunctionNode

_KINDS = {"staticmethod": "static method", "classmethod": "class method", "property": "property"}
_ROLE = re.compile(r":(?:[a-z]+:)*[a-z]+:`~?([^`<]+?)(?:\s*<[^>]*>)?`")
_FRAME = re.compile(
    r"Write an? (?:asynchronous )?Python (?:[a-z]+ )?[a-z]+ `(?P<name>[^`]+)`.*?(?<=`)\. (?P<rest>.+)", re.DOTALL
)
_EMPHASIS = re.compile(r"(?<![\w*`])\*{1,2}([a-z_]\w*)\*{1,2}(?![\w*`])")
_LINK = re.compile(r"`([^`<]+?)(?:\s*<[^>]+>)?`_{1,2}")


def first_paragraph(docstring: str) -> str:
    """Return the first paragraph of a docstring as plain text."""
    return plain_text(docstring.strip().split("\n\n")[0])


def plain_text(text: str) -> str:
    """Put a text on one line and replace reST roles, links and emphasis by plain words or single backquotes.

    :returns: the text; it ends with a full stop, exclamation mark or question mark unless it is empty.
    """
    text = " ".join(text.split())
    text = _ROLE.sub(r"`\1`", text)
    text = _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub(r"`\1`", text).replace("``", "`").replace("\\", "")
    text = re.sub(r"\s*::?$", ".", text)
    return text if text.endswith((".", "!", "?")) or not text else f"{text}."


def parameters(node: FunctionNode) -> list[str]:
    """Return the names of a function's parameters in order, with their stars, without `self` and `cls`."""
    arguments = node.args
    names = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    if arguments.vararg:
        names.append(f"*{arguments.vararg.arg}")
    names += [argument.arg for argument in arguments.kwonlyargs]
    if arguments.kwarg:
        names.append(f"**{arguments.kwarg.arg}")
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _enumerate(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    if len(quoted) == 1:
        return f"parameter {quoted[0]}"
    return f"parameters {', '.join(quoted[:-1])} and {quoted[-1]}"


def wording(node: FunctionNode, qualname: str, docstring: str) -> str:
    """Return the names and the description in an instruction, without the fixed sentence frame.

    :param qualname: name of the function, after that of its class and a dot if it is a method.
    """
    owner, _, name = qualname.rpartition(".")
    return " ".join([name, owner, *parameters(node), first_paragraph(docstring)])


def instruction(node: FunctionNode, qualname: str, docstring: str) -> str:
    """Return the instruction whose answer is the function `node`.

    :param qualname: name of the function, after that of its class and a dot if it is a method.
    """
    owner, _, name = qualname.rpartition(".")
    marks = [decorator.id for decorator in node.decorator_list if isinstance(decorator, ast.Name)]
    kind = next((_KINDS[mark] for mark in marks if mark in _KINDS), "method" if owner else "function")
    asynchronous = "asynchronous " if isinstance(node, ast.AsyncFunctionDef) else ""
    article = "an" if asynchronous else "a"
    place = f" of class `{owner}`" if owner else ""
    names = parameters(node)
    taking = f" with {_enumerate(names)}" if names else ""
    return f"Write {article} {asynchronous}Python {kind} `{name}`{place}{taking}. {first_paragraph(docstring)}"


def without_frame(instruction: str) -> str:
    """Return the name and the description from an instruction with the fixed sentence frame; others are unchanged."""
    match = _FRAME.fullmatch(instruction)
    return f"{match['name']}: {match['rest']}" if match else instruction
