"""Write the instruction of a self-contained function in varied wording, as a person would ask for it.

It says what the function does, then names the function and its parameters, the return value, errors and examples. The
wording is drawn for each row, so that a model does not learn one fixed frame.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from codetune.data.clean.body import is_generator, own_nodes
from codetune.data.clean.documentation import Documentation
from codetune.data.clean.examples import Example
from codetune.data.clean.instruction import parameters
from codetune.python_source.functions import FunctionNode
from codetune.python_source.tree import parse_tree
from codetune.python_source.writing import unparse

_BY_SIGNATURE = (
    "Write {a} Python function `{signature}` that does this.",
    "Implement this in Python as the {kind} `{signature}`.",
    "In Python, write this as {a} function `{signature}`.",
    "Write it as {a} Python function with the signature `{signature}`.",
    "I need {a} Python function `{signature}` for this.",
    "Please write the Python {kind} `{signature}`.",
    "The Python {kind} has the signature `{signature}`.",
)
_BY_NAME = (
    "Write {a} Python function `{name}` with {taking} for this.",
    "Call the Python {kind} `{name}`; it takes {taking}.",
    "The Python {kind} is named `{name}` and takes {taking}.",
    "Implement it in Python as {a} function `{name}` that takes {taking}.",
    "Please write {a} Python function for this. Its name is `{name}`, and it takes {taking}.",
)
_RETURNS = ("It returns {}", "Return {}")
_RETURNS_NOUN = (*_RETURNS, "The result is {}", "What comes back is {}")
# Beginnings of a description that can follow "is".
_IS_NOUN = re.compile(
    r"(a|an|the|one|any|each|every|all|either|both|whether|how|what|which|True|False|None)\b", re.IGNORECASE
)
_ERRORS = ("Raise `{}`{}.", "It should raise `{}`{}.", "It raises `{}`{}.")
_PACKAGES = ("Use `{}`.", "You may import `{}`.", "It works with `{}`.")
_OWN_ERRORS = (
    "Define `{}` as a subclass of `{}`.",
    "`{}` is a subclass of `{}` that you define.",
    "Define the exception `{}`, derived from `{}`, as well.",
)
_EXAMPLES = ("Example:", "For example:", "Some calls and their results:", "It should work like this:")
_GENERATORS = ("Yield the results one at a time.", "It is a generator.", "Write it as a generator.")
_BULLETS = ("Parameters:", "Arguments:", "Its parameters:")
_MAX_EXAMPLE_CHARS = 300
_MIN_TOLD = 20
_TOLD_ALREADY = 0.7
_STOP_WORDS_WORDS = """
a an the of to in is are if or and for with by as be it that this which value return returns
"""
_STOP_WORDS = frozenset(_STOP_WORDS_WORDS.split())
_BUILTIN_ERRORS_WORDS = """
ValueError TypeError KeyError IndexError LookupError ZeroDivisionError ArithmeticError OverflowError AttributeError
RuntimeError StopIteration FileNotFoundError OSError NotImplementedError AssertionError
"""
_BUILTIN_ERRORS = frozenset(_BUILTIN_ERRORS_WORDS.split())


@dataclass(frozen=True)
class RequiredParts:
    """The parts of an answer besides the function that the instruction must mention.

    :param errors: base class of each exception that the answer defines, by its name.
    :param packages: packages that the answer imports besides the standard library.
    """

    errors: Mapping[str, str] = field(default_factory=dict)
    packages: Sequence[str] = ()


def request(
    seed: int, node: FunctionNode, documentation: Documentation, shown: Sequence[Example], needed: RequiredParts
) -> str:
    """Write the instruction whose answer is the function `node` with the code that it needs.

    :param seed: seed for drawing the wording.
    :param documentation: the parsed docstring.
    :param shown: the examples that the instruction shows.
    :param needed: further parts of the answer that the instruction must mention.
    """
    draw = random.Random(seed)
    told = [name.lstrip("*") for name in parameters(node)]
    described = {name: documentation.parameters[name] for name in told if name in documentation.parameters}
    first = _capital(" ".join(filter(None, [documentation.summary, documentation.details])))
    by_name = _chance(draw, 4) and not _has_marks(node)
    typed = _chance(draw, 7)
    parts = [_asked(draw, node, by_name=by_name, typed=typed)]
    as_list = _chance(draw, 5) and any(text for _, text in described.values())
    listed = _bullets(draw, node, described) if as_list else ""
    if not as_list and any(text or kind for kind, text in described.values()):
        parts.append(_prose(node, described, typed=typed or by_name))
    parts += _outcome(draw, node, documentation, first, needed.errors)
    parts += [draw.choice(_PACKAGES).format(name) for name in needed.packages]
    text = (
        f"{first}\n\n{' '.join(filter(None, parts))}" if _chance(draw, 5) else " ".join([first, *filter(None, parts)])
    )
    return "\n\n".join(filter(None, [text, listed, _shown(draw, node, shown)]))


def _capital(text: str) -> str:
    """Capitalize the first word of a text if it is an ordinary word and not a name."""
    return text[0].upper() + text[1:] if re.match(r"[a-z]+[\s,]", text) else text


def _chance(draw: random.Random, tenths: int) -> bool:
    return draw.randrange(10) < tenths


def shows_example(asked: str) -> bool:
    """Return whether an instruction shows a call with its result."""
    return ">>> " in asked or "` gives `" in asked


def contains_code(asked: str, code: str) -> bool:
    """Return whether an instruction contains a line of the answer's body that is long enough to give it away.

    :param code: source of the function.
    """
    said = "".join(asked.split())
    [node] = parse_tree(code).body
    assert isinstance(node, FunctionNode)  # noqa: S101
    body = code.split("\n")[node.body[0].lineno - 1 :]
    lines = ("".join(line.split()) for line in body if not line.lstrip().startswith(("#", "import ", "from ")))
    return any(len(line) >= _MIN_TOLD and line in said for line in lines)


def _has_marks(node: FunctionNode) -> bool:
    """Return whether the parameters need a signature: defaults, stars, positional-only or keyword-only."""
    arguments = node.args
    return bool(
        arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg or arguments.defaults
    )


def _asked(draw: random.Random, node: FunctionNode, *, by_name: bool, typed: bool) -> str:
    asynchronous = isinstance(node, ast.AsyncFunctionDef)
    words = {"a": "an asynchronous" if asynchronous else "a", "kind": "coroutine" if asynchronous else "function"}
    if by_name:
        return draw.choice(_BY_NAME).format(name=node.name, taking=_taking(node, typed=typed), **words)
    return draw.choice(_BY_SIGNATURE).format(signature=_signature(node, typed=typed), **words)


def _taking(node: FunctionNode, *, typed: bool) -> str:
    kinds = {each.arg: each.annotation for each in node.args.args}
    names = [
        f"`{name}` (`{unparse(annotation)}`)" if typed and (annotation := kinds.get(name)) else f"`{name}`"
        for name in parameters(node)
    ]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _signature(node: FunctionNode, *, typed: bool) -> str:
    arguments = node.args
    if not typed:
        arguments = parse_tree(f"lambda {unparse(_bare(node.args))}: 0").body[0].value.args  # type: ignore[attr-defined]
    returns = f" -> {unparse(node.returns)}" if typed and node.returns else ""
    return f"{node.name}({unparse(arguments)}){returns}"


def _bare(arguments: ast.arguments) -> ast.arguments:
    """Return parameters without annotations."""

    def plain(each: ast.arg | None) -> ast.arg | None:
        return ast.arg(each.arg) if each else None

    return ast.arguments(
        [ast.arg(each.arg) for each in arguments.posonlyargs], [ast.arg(each.arg) for each in arguments.args],
        plain(arguments.vararg), [ast.arg(each.arg) for each in arguments.kwonlyargs], arguments.kw_defaults,
        plain(arguments.kwarg), arguments.defaults,
    )  # fmt: skip


def _bullets(draw: random.Random, node: FunctionNode, described: dict[str, tuple[str, str]]) -> str:
    lines = [draw.choice(_BULLETS)]
    for names, kind, text in _alike(node, described):
        lines.append(f"- {', '.join(names)}{f' ({kind})' if kind else ''}{f': {text}' if text else ''}")
    return "\n".join(lines) if len(lines) > 1 else ""


def _prose(node: FunctionNode, described: dict[str, tuple[str, str]], *, typed: bool) -> str:
    annotated = {each.arg for each in [*node.args.args, *node.args.kwonlyargs] if each.annotation and typed}
    said = []
    for names, kind, text in _alike(node, described):
        shown_kind = "" if {name.strip("`*") for name in names} <= annotated else kind
        subject = f"{' and '.join(names)}{f' ({shown_kind})' if shown_kind else ''}"
        if text and len(names) == 1 and _IS_NOUN.match(text):
            said.append(f"{subject} is {_inside(text)}")
        elif text:
            said.append(f"{subject}: {_inside(text)}")
        elif shown_kind:
            said += [f"{name} is of type `{shown_kind}`." for name in names]
    return " ".join(said)


def _alike(node: FunctionNode, described: dict[str, tuple[str, str]]) -> list[tuple[list[str], str, str]]:
    """Return the described parameters, quoted, with type and text; neighbours with the same description are merged."""
    found: list[tuple[list[str], str, str]] = []
    for starred in parameters(node):
        kind, text = described.get(starred.lstrip("*"), ("", ""))
        if found and text and found[-1][1:] == (kind, text):
            found[-1][0].append(f"`{starred}`")
        elif kind or text:
            found.append(([f"`{starred}`"], kind, text))
    return found


def _inside(text: str) -> str:
    """Adapt a description for the middle of a sentence: lower-case its first word unless that is a name."""
    first = re.match(r"[A-Z][a-z]*(?=[\s,.])", text)
    return text[0].lower() + text[1:] if first and first[0] not in ("True", "False", "None", "I", "Python") else text


def _outcome(
    draw: random.Random, node: FunctionNode, documentation: Documentation, first: str, errors: Mapping[str, str]
) -> list[str]:
    """Write the sentences about the return value and the errors."""
    kind, text = documentation.returns
    text = re.sub(r"^(?:Returns?|Returning|Yields?|The return value is|It returns)\s+", "", text)
    parts = []
    if text and not _told_already(text, first):
        told = re.sub(r"^if\b", "whether", _inside(text))
        parts.append(draw.choice(_RETURNS_NOUN if _IS_NOUN.match(told) else _RETURNS).format(told))
    elif kind and node.returns is None and not _told_already(kind, first):
        parts.append(f"It returns a value of type `{kind}`.")
    if is_generator(node) and not re.search(r"yield|generat|iterator|lazily", first + " ".join(parts), re.IGNORECASE):
        parts.append(draw.choice(_GENERATORS))
    raised = _raised(node, _BUILTIN_ERRORS.union(errors))
    documented = [(error, text) for error, text in documentation.raises if error in raised or error in _BUILTIN_ERRORS]
    if not documented and (silent := [error for error in raised if error not in first]):
        named = "` or `".join(silent)
        parts.append(draw.choice(_ERRORS).format(named, " on bad input"))
    for error, why in documented:
        because = re.sub(r"^(?:Raised|Is raised|Raises?|Error)\s+(?=if|when|for|in)", "", why).rstrip(".")
        starts = re.match(r"(?:if|when|for|in case|on|unless)\b", because, re.IGNORECASE)
        clause = (
            f" {because[0].lower()}{because[1:]}" if starts else f": {_inside(because)}" if because else " on bad input"
        )
        parts.append(draw.choice(_ERRORS).format(error, clause))
    said = " ".join([first, *parts])
    parts += [draw.choice(_OWN_ERRORS).format(*each) for each in sorted(errors.items()) if f"`{each[0]}`" in said]
    return parts


def _told_already(text: str, first: str) -> bool:
    """Return whether most words of a text already occur in the first part of the instruction."""
    words = set(re.findall(r"[a-z]+", text.lower())) - _STOP_WORDS
    said = set(re.findall(r"[a-z]+", first.lower()))
    return not words or len(words & said) >= _TOLD_ALREADY * len(words)


def _raised(node: FunctionNode, known: Collection[str]) -> list[str]:
    """Return the names of the known errors that a function itself raises, sorted."""
    raised = [each.exc for each in own_nodes(node) if isinstance(each, ast.Raise)]
    called = [each.func if isinstance(each, ast.Call) else each for each in raised]
    return sorted({each.id for each in called if isinstance(each, ast.Name) and each.id in known})


def _shown(draw: random.Random, node: FunctionNode, shown: Sequence[Example]) -> str:
    """Write the examples, either as an interpreter session or, if all are short, as sentences."""
    if not shown or sum(len(each.source) + len(each.want) for each in shown) > _MAX_EXAMPLE_CHARS:
        return ""
    simple = all(
        each.decides and "\n" not in each.source + each.want and each.source.startswith(f"{node.name}(")
        and not each.want.startswith("Traceback") and "`" not in each.source + each.want
        and "print" not in each.source
        for each in shown
    )  # fmt: skip
    if simple and _chance(draw, 5):
        said = [f"`{each.source}` gives `{each.want}`" for each in shown]
        return f"For example, {' and '.join(said)}."
    lines = [draw.choice(_EXAMPLES)]
    for each in shown:
        first, *rest = each.source.split("\n")
        lines += [f">>> {first}", *(f"... {line}" for line in rest), *([each.want] if each.want else [])]
    return "\n".join(lines)
