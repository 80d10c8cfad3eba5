"""Split a docstring into plain-text parts: summary, details, parameters, return value and errors.

`docstring_parser` detects the style (reST, Google, numpydoc, epydoc). Sentences about the class, the module or the
history of the code are removed: they mean nothing to a reader who sees only the function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from docstring_parser import ParseError, parse
from docstring_parser.common import Docstring

from codetune.data.clean.instruction import plain_text

_SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\betc)(?<!\bcf)(?<!\bapprox)[.!?](?=\s+[A-Z`\"'])")
# Sentences about things outside the answer: the enclosing class or module, other code, versions and authors.
_ELSEWHERE = re.compile(
    r"\b(this|the (same|current|enclosing|parent)|our) (class|module|package|library|file|project|object|instance)\b"
    r"|\b(see|cf|refer to|read)\b(?! if| whether| that)|\bbelow\b|\babove\b"
    r"|\b(the following|as follows|helper|self|docs?|documentation)\b"
    r"|\b(note|notes|warning|todo|author|copyright|license|deprecated|deprecation|python ?[23])\b"
    r"|\b(version (added|changed)|versionadded|versionchanged|new in|changed in|added in|since version)\b"
    r"|\b(used (by|in|for)|called (by|from)|internal(ly)?|thanks|credit|stolen|taken from|adapted from|based on|"
    r"borrowed|copied|ported|inspired)\b|\b(time|space) complexity\b|https?://|\[\d+\]|\.\. |::",
    re.IGNORECASE,
)
_MARKUP = re.compile(r">>>|^\s*([-*+•]|\d+[.)])\s|\||[=~^]{3,}|-{3,}|\$|\\[a-z]+|[{}<>]{2,}|:[a-z]+:", re.MULTILINE)
_VAGUE = re.compile(
    r"\b(helper|utility|wrapper|wraps|shortcut|callback|hook|handler|plugin|monkey-?patch\w*|workaround|backport\w*|compat\w*|"
    r"shim|alias|stub|dummy|implementation of|implements the|convenience|subroutine|private|equivalent (of|to)|same as|"
    r"similar to|analogous|like the|variant of|version of|intuitively|(performed|done|made) by|opposite of|as before|"
    r"the same way|(it|which this) replaces|original behaviou?r|alternative|see also|this module)\b"
    r"|\b(like|as) `|^(args|arguments|parameters|inputs?)\b",
    re.IGNORECASE,
)
_SECTION = re.compile(
    r"\s*([:@](param|type|return|raise|arg|rtype|yield|keyword)|(Args|Arguments|Parameters|Params|Returns?|Raises?|Yields?"
    r"|Examples?|Usage|Input|Output)\s*:?\s*$)"
)
# Markup of epydoc: C{code}, I{emphasis}, L{link}.
_EPYDOC = re.compile(r"\b[A-Z]\{([^{}]*)\}")
_PARAGRAPH = re.compile(r"\n\s*\n")
_HEADING = re.compile(r"^[A-Z][\w ]{0,30}:?$")
_TYPE = re.compile(r"[A-Za-z_][\w.]*(\[[\w., |\[\]]+\])?((,| or|\|| of) ?[A-Za-z_][\w.\[\]]*)*")
_MAX_DETAIL_WORDS = 45
_MAX_TEXT_WORDS = 30
_MAX_TYPE_WORDS = 5
_OPTIONAL = re.compile(r",?\s*(optional|default\b.*|defaults? (to|is)\b.*)$|^optional[, ]*", re.IGNORECASE)


@dataclass(frozen=True)
class Documentation:
    """The parts of a docstring; a part is empty if it says nothing usable.

    :param summary: the first paragraph.
    :param details: the second paragraph, if it is short prose about the function.
    :param parameters: type and description, by parameter name.
    :param returns: type and description of the return value.
    :param raises: exception and description, in the order of the docstring.
    """

    summary: str
    details: str = ""
    parameters: dict[str, tuple[str, str]] = field(default_factory=dict)
    returns: tuple[str, str] = ("", "")
    raises: tuple[tuple[str, str], ...] = ()


def sentences(text: str) -> list[str]:
    """Split a text into sentences.

    :param text: a text whose words are separated by single spaces.
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return [text[start:end].strip() for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def read_documentation(docstring: str) -> Documentation:
    """Parse a docstring; if its style is unknown, only the summary and the details are set."""
    docstring = _EPYDOC.sub(r"`\1`", docstring)
    try:
        found = parse(docstring)
    except (ParseError, ValueError, IndexError, TypeError):  # `parse` raises more than `ParseError`
        found = Docstring()
    paragraphs = _PARAGRAPH.split(docstring.strip())
    described = _described(paragraphs[0], found)
    return Documentation(
        summary=_about_itself(plain_text(described)),
        details=_details(paragraphs[1:]),
        parameters={
            name.lstrip("*"): (_type(each.type_name), _text(each.description))
            for each in found.params
            for name in re.split(r",\s*", each.arg_name)
        },
        returns=(_type(found.returns.type_name), _text(found.returns.description)) if found.returns else ("", ""),
        raises=tuple((_type(each.type_name), _text(each.description)) for each in found.raises if each.type_name),
    )


def _described(paragraph: str, found: Docstring) -> str:
    """Return the first paragraph of a docstring without a parameter list that follows on the next line."""
    if found.meta and found.short_description and not paragraph.startswith(found.short_description.split("\n")[0]):
        return paragraph
    kept: list[str] = []
    for line in paragraph.split("\n"):
        if kept and _SECTION.match(line):
            break
        kept.append(line)
    return "\n".join(kept)


def _about_itself(text: str) -> str:
    """Return the sentences of a text that are about the function itself."""
    return " ".join(sentence for sentence in sentences(text) if not _ELSEWHERE.search(sentence))


def _details(paragraphs: list[str]) -> str:
    """Return the second paragraph if it is short prose about the function, else the empty string."""
    for paragraph in paragraphs[:1]:
        lines = paragraph.strip().split("\n")
        is_list = any(_SECTION.match(line) for line in lines) or lines[0].rstrip().endswith(":")
        if is_list or _MARKUP.search(paragraph) or _HEADING.match(lines[0].strip()):
            return ""
        text = _about_itself(plain_text(paragraph))
        return text if len(text.split()) <= _MAX_DETAIL_WORDS else ""
    return ""


def _type(text: str | None) -> str:
    """Return a type from a docstring, or the empty string if the text is a description instead."""
    plain = " ".join(_OPTIONAL.sub("", plain_text(text or "").rstrip(".")).split()).replace("`", "")
    return plain if len(plain.split()) <= _MAX_TYPE_WORDS and _TYPE.fullmatch(plain) else ""


def _text(text: str | None) -> str:
    """Return the first sentence of a description if it is short and about the function itself, else an empty string."""
    paragraph = _PARAGRAPH.split((text or "").strip())[0]
    if not paragraph or _MARKUP.search(paragraph):
        return ""
    first = sentences(plain_text(paragraph))[0]
    return "" if _ELSEWHERE.search(first) or len(first.split()) > _MAX_TEXT_WORDS else first


def is_vague(summary: str) -> bool:
    """Return whether a summary only says what a function is for or belongs to, and not what it does."""
    return _VAGUE.search(summary) is not None


def words_told(documentation: Documentation) -> int:
    """Count the words of a docstring that describe the behaviour, the parameters, the return value and the errors."""
    described = [text for _, text in documentation.parameters.values()]
    raised = [text for _, text in documentation.raises]
    return len(
        " ".join([documentation.summary, documentation.details, *described, documentation.returns[1], *raised]).split()
    )
