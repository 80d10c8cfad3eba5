"""Find parts of an answer that cannot be known and must be in the instruction: parameters, values, classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codetune.data.clean.answerable import KNOWN_ATTRIBUTES, constant_text
from codetune.data.clean.documentation import Documentation
from codetune.data.clean.instruction import parameters
from codetune.python_source.functions import FunctionNode
from codetune.python_source.names import bound_names
from codetune.python_source.self_contained import SelfContained
from codetune.python_source.tree import parse_tree

# Texts with a meaning in the standard library, and common numbers of bits, bytes, days and seconds.
_KNOWN_TEXTS_WORDS = """
utf ascii latin iso strict ignore replace surrogateescape backslashreplace xmlcharrefreplace big little nfc nfd nfkc
nfkd true false none inf nan name self win linux darwin posix
"""
_STEM = 4
_KNOWN_TEXTS = frozenset(word[:_STEM] for word in _KNOWN_TEXTS_WORDS.split())
_KNOWN_NUMBERS_WORDS = """
127 128 180 255 256 360 365 366 512 1023 1024 1900 1970 2048 3600 4096 8192 32767 32768 65535 65536 86400 1048576
2147483647 4294967295 4294967296 273.15 3.14159 2.71828 0.25 0.75 1.5 2.5 1e-06 1e-08 1e-09 1e-10 1e-12
"""
_KNOWN_NUMBERS = frozenset(_KNOWN_NUMBERS_WORDS.split())
_ALPHABET = "aeiouAEIOU 0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefABCDEF"
_SAYING_WORDS = """
warn debug info warning error exception critical log print write cast TypeVar ParamSpec NewType namedtuple
"""
_SAYING = frozenset(_SAYING_WORDS.split())
_BY_NAME = frozenset({"getattr", "hasattr", "setattr", "delattr"})
_MESSAGE = re.compile(r"(?i)msg|message|error|warning|hint")
_WORD = re.compile(r"[A-Za-z]{3,}")
_ODD_DIGITS = 3
_TABLE_TEXTS = 4
_MANY = 3
_ERROR = re.compile(r"(Error|Exception|Warning)$")


def untold_parameter(node: FunctionNode, documentation: Documentation, docstring: str) -> str | None:
    """Find a parameter that the docstring does not describe.

    A required parameter with a type needs no description, unless other parameters are described or at least three are
    not. Nothing is reported if the function has only one parameter, or if an example shows a call.

    :returns: the name of the first such parameter, or None.
    """
    arguments = node.args
    required = [*arguments.posonlyargs, *arguments.args][: -len(arguments.defaults) or None]
    required += [each for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if not default]
    names = [name.lstrip("*") for name in parameters(node)]
    if len(names) == 1 or re.search(rf">>> .*\b{node.name}\(", docstring):
        return None
    typed = {each.arg for each in required if each.annotation or documentation.parameters.get(each.arg, ("", ""))[0]}
    words, stems = set(re.findall(r"\w+", docstring)), _stems(docstring)
    described = {name for name in names if documentation.parameters.get(name, ("", ""))[1]}
    silent = [name for name in names if name not in described | words and not _stems(name) & stems]
    untyped = [name for name in silent if name not in typed]
    return next(iter(silent if described or len(silent) >= _MANY else untyped), None)


def own_errors(whole: SelfContained) -> dict[str, str]:
    """Return the exceptions that an answer defines, each with its base class."""
    derived = {
        each.name: each.bases[0].id
        for each in _classes(whole)
        if each.bases and isinstance(each.bases[0], ast.Name)
    }  # fmt: skip
    return {name: base for name, base in derived.items() if _ERROR.search(name) or _ERROR.search(base)}


def untold_class(whole: SelfContained, asked: str) -> str | None:
    """Find a public class of an answer that the instruction must mention.

    :param asked: the instruction.
    :returns: the name of a class that is not an exception mentioned in the instruction, or None.
    """
    errors = own_errors(whole)
    public = [each.name for each in _classes(whole) if not each.name.startswith("_")]
    return next((name for name in public if name not in errors or name not in asked), None)


def untold_value(node: FunctionNode, whole: SelfContained, asked: str) -> str | None:
    """Find a text or number that decides what an answer does and that cannot be known from the instruction.

    :param asked: the instruction.
    :returns: the value, or the name of a helper that a default value of a parameter uses; None if all are known.
    """
    tree = parse_tree(whole.code)
    defined = {name for helper in whole.helpers for name in bound_names(parse_tree(helper))}
    defaults = [each for each in [*node.args.defaults, *node.args.kw_defaults] if each]
    hidden = {each.id for default in defaults for each in ast.walk(default) if isinstance(each, ast.Name)} & defined
    if hidden:
        return min(hidden)
    for table in _tables(tree):
        known = sum(re.search(rf"(?<!\w){re.escape(text)}(?!\w)", asked) is not None for text in table)
        if 2 * known < len(table):
            return table[0]
    told = _stems(asked) | _KNOWN_TEXTS
    for value in _deciding(tree):
        if isinstance(value, str | bytes):
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if not _stems(text) <= told and text not in _ALPHABET:
                return text
        elif _is_odd(value) and f"{value:.12g}" not in asked:
            return str(value)
    return None


def _tables(tree: ast.Module) -> Iterator[list[str]]:
    """Yield the texts of each list, tuple, set or dictionary literal that has enough of them to be a table."""
    for each in ast.walk(tree):
        if isinstance(each, ast.List | ast.Tuple | ast.Set | ast.Dict):
            texts = list(
                filter(None, map(constant_text, filter(None, each.keys if isinstance(each, ast.Dict) else each.elts)))
            )
            if len(texts) >= _TABLE_TEXTS:
                yield texts


def _deciding(tree: ast.Module) -> Iterator[str | bytes | float]:
    """Yield the constants of a source, except those in messages, annotations and docstrings."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Constant):
            if isinstance(each.value, str | bytes | int | float):
                yield each.value
        elif not _is_message(each):
            waiting += [child for name, child in _children(each) if name not in ("annotation", "returns")]


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield name, child


def _is_message(node: ast.AST) -> bool:
    """Return whether a node only informs people or type checkers: an error, a warning, a log call or a bare string."""
    match node:
        case ast.Raise() | ast.Assert() | ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return _MESSAGE.search(name) is not None
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _SAYING or (name in _BY_NAME and _is_known(node.args))
    return False


def _is_known(arguments: list[ast.expr]) -> bool:
    """Return whether the second argument is the name of a well-known attribute."""
    name = constant_text(arguments[1]) if arguments[1:] else ""
    return name in KNOWN_ATTRIBUTES or name.startswith("__")


def _stems(text: str) -> set[str]:
    """Return the first letters of each word of a text, in lower case; words of fewer than three letters are ignored."""
    return {word[:_STEM].lower() for word in _WORD.findall(text)}


def _is_odd(value: float) -> bool:
    """Return whether a number is so unusual that it cannot be guessed."""
    written = f"{abs(value):.12g}"
    least = _ODD_DIGITS - ("." in written)
    return len(written.replace(".", "").strip("0")) >= least and written not in _KNOWN_NUMBERS


def _classes(whole: SelfContained) -> list[ast.ClassDef]:
    statements = [statement for helper in whole.helpers for statement in parse_tree(helper).body]
    return [each for each in statements if isinstance(each, ast.ClassDef)]
