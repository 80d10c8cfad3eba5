"""Extraction of the Python code from an answer in Markdown. The code is not run.

The first of these forms that applies decides:

1. `bare`: the whole answer is Python code, possibly with a syntax error, without prose or fences around it. The code is
   the unchanged answer, including fences in its docstrings.
2. `opened`: the answer begins with a definition or an import and has a fence later, as when the opening fence was part
   of the prompt. The code is the text before the first fence for which that text parses. If there is no such fence, the
   code is the first piece of code before the first fence; where a piece ends is described below.
3. `fenced`: the answer has fenced blocks (``` or ~~~, indented or not; the last one may be unclosed) that are labelled
   as Python or have no label. Labelled blocks are preferred. A block labelled as Markdown is read as an answer itself.
   Blocks of other languages are ignored.
4. `prose`: the answer has no such block, but code before, between or after lines of prose.
5. `none`: the answer has no code. The code is empty.

Of several blocks or pieces, the code is the first that defines a function or class, or the first if none does. If it
does not parse, and a later one parses and defines the same names, the later one is taken as its correction.

A syntax error must never improve the result. So text that may be code with an error counts as code, and only text that
looks like prose is removed. A line is prose if it is a sentence or has Markdown markup. A line that ends in a colon and
is followed directly by deeper indented lines is the head of a block and never prose. Code ends before the first line of
prose for which all code before it parses. If there is no such line, code ends before the first line of prose after a
blank line; it is not cut earlier to make it valid. A text is Python code if it parses after its common indentation is
removed, and contains more than names, literals and operators on them: words such as `Yes` and `well-known` parse too.
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
from codetune.python_source.tree import parse_or_none

Form = Literal["bare", "opened", "fenced", "prose", "none"]

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_PYTHON = re.compile(r"py(thon)?[\d.]*")
_MARKDOWN = frozenset({"markdown", "md"})
_DEFINITION = re.compile(r"[ \t]*(?:@\w|(?i:(?:async\s+)?def)\s+\w+\s*(?:\(|$)|class\s+\w+\s*(?:[(:]|$))")
_NAMES = re.compile(r"^[ \t]*(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)
_IMPORT = re.compile(
    r"[ \t]*(?i:from\s+[\w.]+\s+import\s+[\w(*]|import\s+[\w.]+(?:\s+as\s+\w+)?\s*(?:[,;#].*)?$)"
)  # `Import os` is code with an error, not prose
_ASSIGNMENT = re.compile(r"[ \t]*[A-Za-z_][\w.\[\]]*\s*[-+*/]?=(?!=)")
_COMPOUND = re.compile(r"[ \t]*(?:async|elif|else|except|finally|for|if|match|try|while|with)\b")
_SIMPLE = re.compile(r"[ \t]*(?:(?:return|yield|raise|assert|del|print)\b|[A-Za-z_][\w.]*\()")
_INSIDE = re.compile(r"[ \t]+(?:return|yield|raise|pass)\b")  # statements in the body of a function
_MARKED = re.compile(
    r"[-*+>|][ \t]|\d+[.)][ \t]|`|>>>|\||</?[A-Za-z]|\*{1,2}\w[^*]*\*|[-=*_]{3,}$"
)  # items, quotations, code spans, tables, HTML, emphasis, rules
_WORD = re.compile(r"\(?[^\W\d_]+(?:['’-][^\W\d_]+)*[)\],;:.!?…。：！？]*")
_ENDED = re.compile(r"(?<!\.)[.!?:。：！？]\)?$")
_LONE = re.compile(r"[A-Z][a-z]+")
_KEYWORDS = frozenset(map(str.lower, keyword.kwlist)) | {"print"}
_PHRASE = 3  # words; a line with fewer may be a statement with a syntax error
_MARK = "\0"  # marks the end of the text; answers do not contain it
_MAX_ENDS = 40  # maximal number of possible ends of a piece of code that are parsed
_SAYS_NOTHING = (ast.Name, ast.Constant, ast.Tuple, ast.Attribute, ast.UnaryOp, ast.BinOp, ast.Compare)


@dataclass(frozen=True)
class Answer:
    """The code of an answer.

    :param code: the Python code; empty when there is none.
    :param form: where in the answer the code was, as the module's docstring describes.
    :param reason: why there is no code: `blank`, `other_language` or `no_code`; empty when there is code.
    """

    code: str
    form: Form
    reason: str = ""


@dataclass(frozen=True)
class Segment:
    """A fenced block without its fences and their indentation, or the lines between two blocks.

    :param language: the first word after the opening fence, in lower case; None for lines between blocks.
    :param text: the lines, joined with newlines.
    """

    language: str | None
    text: str


def extract_code(answer: str) -> str:
    """Return the Python code of an answer in Markdown, by the rules in the module's docstring; empty if there is none.

    :param answer: the text of the answer.
    """
    return read_answer(answer).code


def read_answer(answer: str) -> Answer:
    """Return the Python code of an answer together with the form in which it was found.

    :param answer: the text of the answer.
    """
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


def is_code_final(answer: str) -> bool:
    """Return whether the code of an answer that is still being generated is final, so that generation can stop.

    It is final after a closed block that is labelled as Python, parses and defines a function or class, unless code
    precedes the first block or an earlier block is preferred.

    :param answer: the text generated so far.
    """
    lines = answer.replace("\r\n", "\n").split("\n")[:-1]  # the last line may be incomplete
    if not any(map(_FENCE.fullmatch, lines)):
        return False
    before, *found = segments("\n".join([*lines, _MARK]))
    if _pieces(before.text.split("\n")) or _quoted(before.text):
        return False
    code = _foremost(_named([one for one in found if not one.text.endswith(_MARK)]))
    return code is not None and _is_code(code) and _defines(code)


def _before_fence(lines: list[str]) -> str:
    """Return the code at the beginning of an answer, up to its closing fence; empty if there is none (`opened`)."""
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
    """Split an answer into its fenced blocks and the lines between them, in order.

    Blocks are closed by the rule of CommonMark; the last block may be unclosed.

    :param answer: the text of the answer.
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
    """Split an answer into lines; not with `splitlines`, which also splits at form feeds, and sources may have them."""
    return answer.replace("\r\n", "\n").rstrip("\n").split("\n")


def _block(opening: re.Match[str], lines: list[str]) -> Segment:
    """Make a block from its opening fence and its lines; code on the line of the fence becomes its first line."""
    info, indent = opening["info"].strip(), opening["indent"]
    language, _, rest = info.partition(" ") if not _certain(info) else ("", "", info)
    words = language.lower().strip("{}.").split()
    text = [line.removeprefix(indent) for line in lines]
    return Segment(words[0].rstrip(":,") if words else "", "\n".join([rest, *text] if _certain(rest) else text))


def _named(blocks: Sequence[Segment]) -> list[str]:
    """Return the texts of non-empty blocks labelled as Python, and the code in blocks labelled as Markdown."""
    texts = (
        extract_code(block.text) if block.language in _MARKDOWN else block.text
        for block in blocks
        if block.language in _MARKDOWN or _PYTHON.fullmatch(block.language or "")
    )
    return [text for text in texts if text.strip()]


def _foremost(texts: Sequence[str]) -> str | None:
    """Return the piece of code that is the answer, as the module's docstring describes; None if there are no pieces."""
    first = next(filter(_defines, texts), next(iter(texts), None))
    if first is None or _is_code(first):
        return first
    names = set(_NAMES.findall(first))
    later = (text for text in texts if names and names <= set(_NAMES.findall(text)) and _is_code(text))
    return next(later, first)


def _pieces(lines: list[str]) -> list[str]:
    """Return the pieces of code between lines of prose, without their common indentation."""
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
    """Return the index of the line before which the code that begins at line `start` ends."""
    indent = _indent(lines[start])
    ends = [at for at in range(start + 1, len(lines)) if prose[at] and _indent(lines[at]) <= indent]
    parsing = (at for at in ends[:_MAX_ENDS] if _parsed("\n".join(lines[start:at])) is not None)
    after_blank = (at for at in ends if not lines[at - 1].strip() and not _quoted("\n".join(lines[start:at])))
    return next(parsing, next(after_blank, len(lines)))


def _quoted(text: str) -> bool:
    """Return whether a text ends inside a triple-quoted string."""
    return any(text.count(quotes) % 2 for quotes in ('"""', "'''"))


def _prose(lines: list[str]) -> list[bool]:
    """Return for each line whether it is prose."""
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
    """Return whether a line is a sentence or part of one; false if it may be a statement with a syntax error.

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
    if keyed and not capital:  # a statement, or the continuation of a sentence
        return words == len(tokens) >= _PHRASE and (wrapped or (ended and not text.endswith(":")))
    if keyed and len(tokens) <= _PHRASE:
        return ended or text.endswith(",")
    return ended or words > _PHRASE or (words == _PHRASE and wrapped) or (words > 1 and capital)


def _certain(line: str) -> bool:
    """Return whether a line is certainly code: the beginning of a definition or an import."""
    return bool(_DEFINITION.match(line) or _IMPORT.match(line))


def _defines(text: str) -> bool:
    """Return whether a text defines a function or class, or looks like a definition with a syntax error."""
    lines = text.split("\n")
    if any(map(_DEFINITION.match, lines)):
        return True
    return _parsed(text) is None and any(_meant(*two) for two in pairwise([*lines, ""]))


def _meant(line: str, below: str) -> bool:
    """Return whether a line may be the faulty head of a definition, or a line of its body."""
    head = line.rstrip().endswith(":") and bool(below.strip()) and _indent(below) > _indent(line)
    return bool(_INSIDE.match(line)) or (head and not _COMPOUND.match(line))


def _looks_like_code(text: str) -> bool:
    """Return whether a text that does not parse looks like code with a syntax error."""
    lines = text.split("\n")
    kinds = (_DEFINITION, _IMPORT, _ASSIGNMENT, _COMPOUND, _SIMPLE)
    return _parsed(text) is None and (any(kind.match(line) for kind in kinds for line in lines) or _defines(text))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_code(text: str) -> bool:
    """Return whether a text parses and contains more than names, literals and operators on them."""
    tree = _parsed(text)
    return tree is not None and any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, _SAYS_NOTHING)) for node in tree.body
    )


def _parsed(text: str) -> ast.Module | None:
    """Return the syntax tree of a text without its common indentation; None if it does not parse."""
    return parse_or_none(dedented(text))
