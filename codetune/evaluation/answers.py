"""The Python code of an answer, read out of Markdown as a person reads it. Nothing of it is run.

The rule, the first that applies:

1. `bare`: the whole answer is Python code. It is the code, unchanged, fences in its docstrings included.
2. `opened`: the answer begins with code, as one does whose opening fence stood in the prompt. The code is what stands
   before the first fence before which everything parses.
3. `fenced`: the answer has fenced blocks (``` or ~~~, indented or not, the last one perhaps never closed) that say that
   they are Python or do not say what they are. Of the blocks, those that say Python before the others, the code is the
   first that parses and defines a function or class; else the first that parses; else the first. A block that says that
   it is Markdown is read as an answer of its own. Blocks of other languages are passed over.
4. `prose`: no such block, but lines of Python between those of prose. The code is the first run of lines that parses,
   as long as it can be, from a line that begins a definition or an import; where there is no such line, from one that
   begins another statement. Where no run parses, it is all from the first such line.
5. `none`: no code at all. The code is empty.

A text is Python code when it parses, its common indentation aside, and holds more than names, literals and operators on
them: `Yes` parses, and `well-known` too.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from dataclasses import dataclass
from typing import Literal

Form = Literal["bare", "opened", "fenced", "prose", "none"]

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_PYTHON = frozenset({"python", "python3", "py", "py3"})
_MARKDOWN = frozenset({"markdown", "md"})
_STATEMENT = re.compile(r"[ \t]*(?:@\w|(?:async\s+def|def|class)\s+\w|import\s+\w|from\s+[\w.]+\s+import\s)")
_SIMPLE = re.compile(r"[ \t]*(?:return\b|(?:for|while|if|with|try)\b.*:\s*$|[A-Za-z_][\w.]*\s*[-+*/]?=[^=])")
_MAX_LINES = 400  # of an answer without fences that are searched for a run that parses
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SAYS_NOTHING = (ast.Name, ast.Constant, ast.Tuple, ast.Attribute, ast.UnaryOp, ast.BinOp, ast.Compare)


@dataclass(frozen=True)
class Answer:
    """The code of an answer, and the form in which the answer had it."""

    code: str
    form: Form


@dataclass(frozen=True)
class _Block:
    """A fenced block: the first word after its fence, in lower case, and its lines without the fence's indentation."""

    language: str
    text: str


def extract_code(answer: str) -> str:
    """The Python code of an answer in Markdown; empty where there is none. The module has the rule."""
    return read_answer(answer).code


def read_answer(answer: str) -> Answer:
    """The Python code of an answer, and which part of the rule found it."""
    if _is_code(answer):
        return Answer(answer, "bare")
    lines = answer.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if _STATEMENT.match(first):
        return _opened(lines)
    blocks = _blocks(lines)
    if (block := _chosen(blocks)) is not None:
        return Answer(block, "fenced")
    code = _within_prose(_without_blocks(lines) if blocks else lines)
    return Answer(code, "prose" if code else "none")


def _opened(lines: list[str]) -> Answer:
    """The code at the beginning of an answer: up to a fence, or to the prose after it."""
    for place, line in enumerate(lines):
        if _FENCE.fullmatch(line) and _is_code(before := "\n".join(lines[:place])):
            return Answer(before, "opened")
    return Answer(_within_prose(lines), "prose")


def _blocks(lines: list[str]) -> list[_Block]:
    """The fenced blocks, in order, by CommonMark's rule for what closes one; the last may never be closed."""
    blocks: list[_Block] = []
    opening: re.Match[str] | None = None
    inside: list[str] = []
    for line in lines:
        found = _FENCE.fullmatch(line)
        if opening is None:
            if found and not ("`" in found["info"] and found["fence"].startswith("`")):
                opening, inside = found, []
        elif found and found["fence"].startswith(opening["fence"]) and not found["info"].strip():
            blocks.append(_block(opening, inside))
            opening = None
        else:
            inside.append(line)
    return [*blocks, _block(opening, inside)] if opening else blocks


def _block(opening: re.Match[str], lines: list[str]) -> _Block:
    """A block out of its first fence and its lines."""
    words = opening["info"].strip().lower().strip("{}.").split()
    indent = opening["indent"]
    return _Block(words[0].rstrip(":,") if words else "", "\n".join(line.removeprefix(indent) for line in lines))


def _without_blocks(lines: list[str]) -> list[str]:
    """The lines outside of fenced blocks."""
    outside: list[str] = []
    fence = ""
    for line in lines:
        found = _FENCE.fullmatch(line)
        if not fence and found:
            fence = found["fence"]
        elif fence and found and found["fence"].startswith(fence) and not found["info"].strip():
            fence = ""
        elif not fence:
            outside.append(line)
    return outside


def _chosen(blocks: list[_Block]) -> str | None:
    """The text of the block that is the answer's code, None where no block may be."""
    for block in blocks:
        if block.language in _MARKDOWN and (inner := read_answer(block.text)).code:
            return inner.code
    named = [block.text for block in blocks if block.language in _PYTHON and block.text.strip()]
    unnamed = [block.text for block in blocks if not block.language and block.text.strip()]
    texts = [*named, *unnamed]
    parsed = [text for text in texts if _is_code(text)]
    defining = [text for text in parsed if _defines(text)]
    return next(iter([*defining, *parsed, *texts]), None)


def _within_prose(lines: list[str]) -> str:
    """The first run of lines that parses, from one that begins a statement; else all from the first such line."""
    lines = lines[:_MAX_LINES]
    for begins in (_STATEMENT, _SIMPLE):
        starts = [place for place, line in enumerate(lines) if begins.match(line)]
        for start in starts:
            if run := _run(lines, start):
                return run
        if starts:
            return textwrap.dedent("\n".join(lines[starts[0] :]))
    return ""


def _run(lines: list[str], start: int) -> str:
    """The longest run of lines from `start` on that parses, without its indentation; empty where none does."""
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    run: list[str] = []
    for line in lines[start:]:
        if line.strip() and not line.startswith(indent):
            break
        run.append(line.removeprefix(indent))
    while run and (wrong := _wrong_line("\n".join(run))):
        del run[min(wrong, len(run)) - 1 :]  # what parses ends before the line at which parsing fails
    text = "\n".join(run).rstrip()
    return text if _is_code(text) else ""


def _is_code(text: str) -> bool:
    """Whether a text parses, and holds more than names and literals."""
    tree = _parsed(text)
    return tree is not None and any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, _SAYS_NOTHING)) for node in tree.body
    )


def _defines(text: str) -> bool:
    """Whether a text defines a function or a class."""
    tree = _parsed(text)
    return tree is not None and any(isinstance(node, _DEFINITIONS) for node in tree.body)


def _parsed(text: str) -> ast.Module | None:
    """The syntax tree of a text, a common indentation aside; None where it does not parse."""
    try:
        return _parse(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _wrong_line(text: str) -> int:
    """The number of the line, from 1, at which a text does not parse; 0 where it does."""
    try:
        _parse(text)
    except SyntaxError as error:
        return error.lineno or 1
    except (ValueError, RecursionError, MemoryError):
        return 1
    return 0


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd escapes are remarked on, not refused
        return ast.parse(text)
