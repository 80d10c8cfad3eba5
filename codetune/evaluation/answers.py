"""The Python code of an answer, read out of Markdown as a person reads it. Nothing of it is run.

The rule, the first that applies:

1. `bare`: the whole answer is Python code. It is the code, unchanged, fences in its docstrings included.
2. `opened`: the answer begins with a definition or an import and has a fence later, as one does whose opening fence
   stood in the prompt. The code is what stands before the first fence before which everything parses; else what stands
   before the first fence, and before prose, as in 4.
3. `fenced`: the answer has fenced blocks (``` or ~~~, indented or not, the last one perhaps never closed) that say that
   they are Python or do not say what they are. Those that say Python go before the others, and those that define a
   function or class before all that do not; of the foremost kind the code is the first that parses, else the first.
   A block that says that it is Markdown is read as an answer of its own. Blocks of other languages are passed over.
4. `prose`: no such block, but lines of Python between those of prose. The code begins at the first line that begins a
   definition or an import; where there is none, at the first line of another statement that parses. It ends before the
   first line that is less indented, or that is as little indented, does not parse and begins no statement.
5. `none`: no code at all. The code is empty.

Code that does not parse stays code that does not parse: neither its end nor a part of it is cut off to make it right.
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
_DEFINITION = re.compile(r"[ \t]*(?:@\w|(?:async\s+)?def\s+\w+\s*\(|class\s+\w+\s*[(:])")
_IMPORT = re.compile(r"[ \t]*(?:from\s+[\w.]+\s+import\s+[\w(*]|import\s+[\w.]+(?:\s+as\s+\w+)?\s*(?:[,;#].*)?$)")
_OTHER = re.compile(r"[ \t]*(?:return\b|(?:for|while|if|with|try)\b.*:\s*$|[A-Za-z_][\w.\[\]]*\s*[-+*/]?=[^=])")
_MARK = "\0"  # no text of a tokenizer has it
_MAX_LINES = 400  # of an answer without fences that are searched
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
    lines = answer.replace("\r\n", "\n").rstrip("\n").split("\n")  # not at the form feeds that sources may hold
    first = next((line for line in lines if line.strip()), "")
    if _certain(first) and (code := _before_fence(lines)):
        return Answer(code, "opened")
    blocks = _blocks(lines)
    if not _certain(first) and (block := _chosen(blocks)) is not None:
        return Answer(block, "fenced")
    code = _within_prose(_without_blocks(lines) if blocks else lines)
    return Answer(code, "prose" if code else "none")


def is_settled(answer: str) -> bool:
    """Whether the code of an answer that is still being written is whole: nothing that may follow is read.

    So it is once a block that says that it is Python, parses and defines something has closed, where the answer neither
    began with code nor may turn out to be code, and no block before it is preferred. (A later block of Markdown would
    be read in its place: who stops here asks for the first.)
    """
    lines = answer.replace("\r\n", "\n").split("\n")[:-1]  # the last one may go on
    if not any(_FENCE.fullmatch(line) for line in lines):
        return False
    blocks = _blocks([*lines, _MARK])
    first = next((line for line in lines if line.strip()), "")
    before = answer.partition("```")[0]
    if _certain(first) or any(quotes in before for quotes in ('"""', "'''")):
        return False
    closed = [block for block in blocks if not block.text.endswith(_MARK)]
    if any(block.language in _MARKDOWN for block in blocks):
        return False
    named = [block.text for block in closed if block.language in _PYTHON]
    return any(_is_code(text) and any(map(_DEFINITION.match, text.split("\n"))) for text in named)


def _before_fence(lines: list[str]) -> str:
    """The code at the beginning of an answer, up to the fence that closes it; empty where there is no fence."""
    fences = [place for place, line in enumerate(lines) if _FENCE.fullmatch(line)]
    before = ("\n".join(lines[:place]) for place in fences)
    return next(filter(_is_code, before), _within_prose(lines[: fences[0]]) if fences else "")


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
    defining = [text for text in texts if any(map(_DEFINITION.match, text.split("\n")))]
    foremost = defining or texts
    return next(iter([*filter(_is_code, foremost), *foremost]), None)


def _within_prose(lines: list[str]) -> str:
    """The code that begins at some line of prose; empty where none does."""
    lines = lines[:_MAX_LINES]
    certain = next((place for place, line in enumerate(lines) if _certain(line)), None)
    if certain is not None:
        return _run(lines, certain)
    others = (_run(lines, place) for place, line in enumerate(lines) if _OTHER.match(line))
    return next(filter(_is_code, others), "")


def _run(lines: list[str], start: int) -> str:
    """The code that begins at a line, without its indentation, up to the prose after it."""
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    run: list[str] = []
    for line in lines[start:]:
        if line.strip() and not line.startswith(indent):
            break
        run.append(line.removeprefix(indent))
    while (wrong := _wrong_line("\n".join(run))) > 1 and _is_prose(run[min(wrong, len(run)) - 1]):
        del run[min(wrong, len(run)) - 1 :]
    return "\n".join(run).rstrip()


def _certain(line: str) -> bool:
    """Whether a line begins a definition or an import: no sentence looks like that."""
    return bool(_DEFINITION.match(line) or _IMPORT.match(line))


def _is_prose(line: str) -> bool:
    """Whether a line at which parsing fails is the beginning of prose, not of a statement or inside of one."""
    return not line[:1].isspace() and bool(line) and not _certain(line) and not _OTHER.match(line)


def _is_code(text: str) -> bool:
    """Whether a text parses, and holds more than names and literals."""
    tree = _parsed(text)
    return tree is not None and any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, _SAYS_NOTHING)) for node in tree.body
    )


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
