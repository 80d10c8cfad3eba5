"""The fixed wording of an instruction: it names the function and its parameters, then says what it does."""

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
    """The first paragraph of a docstring as plain text."""
    return plain_text(docstring.strip().split("\n\n")[0])


def plain_text(text: str) -> str:
    """A text as sentences on one line: roles and double backquotes become single backquotes."""
    text = " ".join(text.split())
    text = _ROLE.sub(r"`\1`", text)
    text = _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub(r"`\1`", text).replace("``", "`").replace("\\", "")
    text = re.sub(r"\s*::?$", ".", text)
    return text if text.endswith((".", "!", "?")) or not text else f"{text}."


def parameters(node: FunctionNode) -> list[str]:
    """The names of a function's parameters in order, starred ones with their stars; without `self` and `cls`."""
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
    """What an instruction says: its names and its description, without the frame that it has in common with others."""
    owner, _, name = qualname.rpartition(".")
    return " ".join([name, owner, *parameters(node), first_paragraph(docstring)])


def instruction(node: FunctionNode, qualname: str, docstring: str) -> str:
    """The instruction whose answer is the function `node`."""
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
    """What an instruction asks for, without the words that all of this kind share; others as they are."""
    match = _FRAME.fullmatch(instruction)
    return f"{match['name']}: {match['rest']}" if match else instruction
