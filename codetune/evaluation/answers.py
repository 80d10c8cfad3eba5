"""The Python code of an answer, read out of Markdown as a person reads it. Nothing of it is run.

The rule, the first that applies:

1. `bare`: the whole answer is Python code, or code with a fault and no prose or fence around it. It is the code,
   unchanged, fences in its docstrings included.
2. `opened`: the answer begins with a definition or an import and has a fence later, as one does whose opening fence
   stood in the prompt. The code is what stands before the first fence before which everything parses; else what stands
   before the first fence, and before prose, as in 4.
3. `fenced`: the answer has fenced blocks (``` or ~~~, indented or not, the last one perhaps never closed) that say that
   they are Python or do not say what they are; those that say Python go before the others. A block that says that it is
   Markdown is read as an answer of its own. Blocks of other languages are passed over.
4. `prose`: no such block, but code before, between or after lines of prose.
5. `none`: no code at all. The code is empty.

Of several blocks or pieces the first that defines a function or class is the code, else the first. Where it does not
parse and a later one that parses defines all that it defines, the later one corrects it and is the code.

An answer never gains by being broken: what may be code with a fault counts as code, and what is not code must look like
prose. A line is prose when it is a sentence or a mark of Markdown. It is not when lines that are further indented
follow directly on its colon: that is the head of a block, whatever its words. Code ends before the first line of prose
before which everything parses. Where nothing parses, it ends before the first prose after a blank line: no part of it
is cut off to make it right. A text is Python code when it parses, its common indentation aside, and holds more than
names, literals and operators on them: `Yes` parses, and `well-known` too.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from codetune.python_source.indentation import dedented
from codetune.python_source.tree import parsed

Form = Literal["bare", "opened", "fenced", "prose", "none"]

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_PYTHON = re.compile(r"py(thon)?[\d.]*")
_MARKDOWN = frozenset({"markdown", "md"})
_DEFINITION = re.compile(r"[ \t]*(?:@\w|(?i:(?:async\s+)?def)\s+\w+\s*(?:\(|$)|class\s+\w+\s*(?:[(:]|$))")
_NAMES = re.compile(r"^[ \t]*(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)
_IMPORT = re.compile(
    r"[ \t]*(?i:from\s+[\w.]+\s+import\s+[\w(*]|import\s+[\w.]+(?:\s+as\s+\w+)?\s*(?:[,;#].*)?$)"
)  # a capital letter is a fault, not prose
_ASSIGNMENT = re.compile(r"[ \t]*[A-Za-z_][\w.\[\]]*\s*[-+*/]?=(?!=)")
_COMPOUND = re.compile(r"[ \t]*(?:async|elif|else|except|finally|for|if|match|try|while|with)\b")
_SIMPLE = re.compile(r"[ \t]*(?:(?:return|yield|raise|assert|del|print)\b|[A-Za-z_][\w.]*\()")
_INSIDE = re.compile(r"[ \t]+(?:return|yield|raise|pass)\b")  # what stands in the body of a function
_MARKED = re.compile(
    r"[-*+>|][ \t]|\d+[.)][ \t]|`|>>>|\||</?[A-Za-z]|\*{1,2}\w[^*]*\*|[-=*_]{3,}$"
)  # items, quotations, code spans, tables, HTML, emphasis, rules
_WORD = re.compile(r"\(?[^\W\d_]+(?:['’-][^\W\d_]+)*[)\],;:.!?…。：！？]*")
_ENDED = re.compile(r"(?<!\.)[.!?:。：！？]\)?$")
_LONE = re.compile(r"[A-Z][a-z]+")
_KEYWORDS = frozenset(map(str.lower, keyword.kwlist)) | {"print"}
_PHRASE = 3  # words: fewer may be a statement with a fault
_MARK = "\0"  # no answer has it
_MAX_ENDS = 40  # of a piece of code that are tried
_SAYS_NOTHING = (ast.Name, ast.Constant, ast.Tuple, ast.Attribute, ast.UnaryOp, ast.BinOp, ast.Compare)


@dataclass(frozen=True)
class Answer:
    """The code of an answer, and the form in which the answer had it.

    :param reason: why there is no code: `blank`, `other_language` or `no_code`; empty where there is some.
    """

    code: str
    form: Form
    reason: str = ""


@dataclass(frozen=True)
class Segment:
    """A fenced block without its fences and their indentation, or the lines between two blocks.

    :param language: of a block the first word after its fence, in lower case; None between blocks.
    """

    language: str | None
    text: str


def extract_code(answer: str) -> str:
    """The Python code of an answer in Markdown; empty where there is none. The module has the rule."""
    return read_answer(answer).code


def read_answer(answer: str) -> Answer:
    """The Python code of an answer, and which part of the rule found it."""
    if _is_code(answer):
        return Answer(answer, "bare")
    if code := _before_fence(_lines(answer)):
        return Answer(code, "opened")
    found = segments(answer)
    blocks = [segment for segment in found if segment.language is not None]
    unnamed = [block.text for block in blocks if block.language == "" and block.text.strip()]
    if (block := _foremost([*_named(blocks), *unnamed])) is not None:
        return Answer(block, "fenced")
    pieces = _pieces([line for segment in found if segment.language is None for line in segment.text.split("\n")])
    if code := _foremost(pieces) or "":
        alone = not blocks and len(pieces) == 1 and len("".join(code.split())) == len("".join(answer.split()))
        return Answer(answer, "bare") if alone else Answer(code, "prose")
    reason = "other_language" if any(block.text.strip() for block in blocks) else "no_code"
    return Answer("", "none", reason if answer.strip() else "blank")


def is_settled(answer: str) -> bool:
    """Whether the code of an answer that is still being written is whole: nothing that may follow is read.

    So it is once a block that says that it is Python, parses and defines something has closed, where no code stands
    before the first block and no block before it is preferred.
    """
    lines = answer.replace("\r\n", "\n").split("\n")[:-1]  # the last one may go on
    if not any(map(_FENCE.fullmatch, lines)):
        return False
    before, *found = segments("\n".join([*lines, _MARK]))
    if _pieces(before.text.split("\n")) or _quoted(before.text):
        return False
    code = _foremost(_named([one for one in found if not one.text.endswith(_MARK)]))
    return code is not None and _is_code(code) and _defines(code)


def _before_fence(lines: list[str]) -> str:
    """The code at the beginning of an answer, up to the fence that closes it; empty where an answer has none."""
    fences = [place for place, line in enumerate(lines) if _FENCE.fullmatch(line)]
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if not fences or first >= fences[0] or _prose(lines[: fences[0]])[first]:
        return ""
    pieces = _pieces(lines[: fences[0]])
    if not pieces or not (_certain(lines[first]) or _defines(pieces[0])):
        return ""
    before = ("\n".join(lines[:place]) for place in fences)
    return next(filter(_is_code, before), pieces[0])


def segments(answer: str) -> list[Segment]:
    """The fenced blocks of an answer and what stands between them, in order, by CommonMark's rule for what closes one.

    The last block may never be closed.
    """
    found: list[Segment] = []
    opening: re.Match[str] | None = None
    lines: list[str] = []
    for line in _lines(answer):
        fence = _FENCE.fullmatch(line)
        if opening is None and fence and not ("`" in fence["info"] and fence["fence"].startswith("`")):
            found.append(Segment(None, "\n".join(lines)))
            opening, lines = fence, []
        elif opening and fence and fence["fence"].startswith(opening["fence"]) and not fence["info"].strip():
            found.append(_block(opening, lines))
            opening, lines = None, []
        else:
            lines.append(line)
    return [*found, _block(opening, lines) if opening else Segment(None, "\n".join(lines))]


def _lines(answer: str) -> list[str]:
    """The lines of an answer, which do not end at the form feeds that sources may hold."""
    return answer.replace("\r\n", "\n").rstrip("\n").split("\n")


def _block(opening: re.Match[str], lines: list[str]) -> Segment:
    """A block out of its first fence and its lines; code that begins behind the fence is its first line."""
    info, indent = opening["info"].strip(), opening["indent"]
    language, _, rest = info.partition(" ") if not _certain(info) else ("", "", info)
    words = language.lower().strip("{}.").split()
    text = [line.removeprefix(indent) for line in lines]
    return Segment(words[0].rstrip(":,") if words else "", "\n".join([rest, *text] if _certain(rest) else text))


def _named(blocks: Sequence[Segment]) -> list[str]:
    """The texts of the blocks that say that they are Python; one that says Markdown is read as an answer of its own."""
    texts = (
        extract_code(block.text) if block.language in _MARKDOWN else block.text
        for block in blocks
        if block.language in _MARKDOWN or _PYTHON.fullmatch(block.language or "")
    )
    return [text for text in texts if text.strip()]


def _foremost(texts: Sequence[str]) -> str | None:
    """Of several pieces of code the one that is the answer; None of none."""
    first = next(filter(_defines, texts), next(iter(texts), None))
    if first is None or _is_code(first):
        return first
    names = set(_NAMES.findall(first))
    later = (text for text in texts if names and names <= set(_NAMES.findall(text)) and _is_code(text))
    return next(later, first)


def _pieces(lines: list[str]) -> list[str]:
    """The pieces of code between lines of prose, without their common indentation."""
    prose, pieces, place = _prose(lines), [], 0
    while place < len(lines):
        if prose[place] or not lines[place].strip():
            place += 1
            continue
        end = _end(lines, prose, place)
        piece = dedented("\n".join(lines[place:end])).rstrip()
        if _is_code(piece) or _looks_like_code(piece):
            pieces.append(piece)
        place = end
    return pieces


def _end(lines: list[str], prose: list[bool], start: int) -> int:
    """The place of the line before which the code ends that begins at `start`."""
    indent = _indent(lines[start])
    ends = [at for at in range(start + 1, len(lines)) if prose[at] and _indent(lines[at]) <= indent]
    parsing = (at for at in ends[:_MAX_ENDS] if _parsed("\n".join(lines[start:at])) is not None)
    after_blank = (at for at in ends if not lines[at - 1].strip() and not _quoted("\n".join(lines[start:at])))
    return next(parsing, next(after_blank, len(lines)))


def _quoted(text: str) -> bool:
    """Whether a text ends within a string of several lines."""
    return any(text.count(quotes) % 2 for quotes in ('"""', "'''"))


def _prose(lines: list[str]) -> list[bool]:
    """Which lines are prose."""
    found: list[bool] = []
    for line, below in pairwise([*lines, ""]):
        text, head = line.strip(), bool(below.strip()) and _indent(below) > _indent(line)
        if not text or _MARKED.match(text):
            found.append(bool(text))
        elif text.endswith(":") and head:
            found.append(False)
        else:
            found.append(_is_sentence(text, wrapped=bool(found) and found[-1]))
    return found


def _is_sentence(text: str, *, wrapped: bool) -> bool:
    """Whether a line reads as a sentence or a part of one; what may be a statement with a fault does not.

    :param wrapped: whether the line above is prose.
    """
    text = re.sub(r"`[^`]*`", "code", text)
    tokens = text.split()
    keyed = re.split(r"\W", tokens[0].lower())[0] in _KEYWORDS
    if _LONE.fullmatch(text):
        return not keyed
    if _certain(text) or _ASSIGNMENT.match(text) or not text.lstrip("(")[:1].isalpha() or _parsed(text) is not None:
        return False
    words = sum(bool(_WORD.fullmatch(token)) for token in tokens)
    capital, ended = not text.lstrip("(")[0].islower(), _ENDED.search(text) is not None
    if 2 * words < len(tokens):
        return False
    if keyed and not capital:  # the beginning of a statement, if not the rest of a sentence
        return words == len(tokens) >= _PHRASE and (wrapped or (ended and not text.endswith(":")))
    if keyed and len(tokens) <= _PHRASE:
        return ended or text.endswith(",")
    return ended or words > _PHRASE or (words == _PHRASE and wrapped) or (words > 1 and capital)


def _certain(line: str) -> bool:
    """Whether a line begins a definition or an import: no sentence looks like that."""
    return bool(_DEFINITION.match(line) or _IMPORT.match(line))


def _defines(text: str) -> bool:
    """Whether a text defines a function or class, or may be meant to and is broken."""
    lines = text.split("\n")
    if any(map(_DEFINITION.match, lines)):
        return True
    return _parsed(text) is None and any(_meant(*two) for two in pairwise([*lines, ""]))


def _meant(line: str, below: str) -> bool:
    """Whether a line that is no definition may be meant as its head or as a line of its body."""
    head = line.rstrip().endswith(":") and bool(below.strip()) and _indent(below) > _indent(line)
    return bool(_INSIDE.match(line)) or (head and not _COMPOUND.match(line))


def _looks_like_code(text: str) -> bool:
    """Whether a text that does not parse is code with a fault."""
    lines = text.split("\n")
    kinds = (_DEFINITION, _IMPORT, _ASSIGNMENT, _COMPOUND, _SIMPLE)
    return _parsed(text) is None and (any(kind.match(line) for kind in kinds for line in lines) or _defines(text))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_code(text: str) -> bool:
    """Whether a text parses, and holds more than names and literals."""
    tree = _parsed(text)
    return tree is not None and any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, _SAYS_NOTHING)) for node in tree.body
    )


def _parsed(text: str) -> ast.Module | None:
    """The syntax tree of a text, a common indentation aside; None where it does not parse."""
    return parsed(dedented(text))
