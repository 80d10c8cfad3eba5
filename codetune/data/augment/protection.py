"""Find the parts of a text that no paraphrase may change: identifiers, code, numbers, quoted text, names and negations.

The rules use only the form of the text. In doubt they protect it: a word protected without need costs a little variety,
but a name that is not protected causes a wrong training row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

MASK = "\ue000"
"""Replaces one protected character in a masked text. It is not part of any word, so no phrase can include it."""

_NEGATION = (
    "not no non never without unless none nor neither nothing nobody nowhere cannot unable except excepting only "
    "otherwise instead rather hardly barely exclude excludes excluded excluding lack lacks lacking fail fails failed "
    "failing omit omits omitted omitting ignore ignores ignored ignoring"
)
_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve hundred thousand million first second third "
    "fourth fifth half halves once twice double triple both"
)
_CONSTANTS = "true false null nan inf nil"
_TELLING_WORDS = frozenset(f"{_NEGATION} {_NUMBER_WORDS} {_CONSTANTS}".split())
"""Words that negate, count, or are values."""

_RULES = re.compile(
    rf"""
      (?P<plain>(?<![^\s(])[a-z]{{2,}}(?=\s|[.,;:!?)](?:\s|$)|$))  # an ordinary word: first, because most are
    | (?<![^\n])>>>\ [^\n]*(?:\n[^\n]+)*                      # examples, as far as the next blank line
    | ```.*?``` | ``.*?``+ | `[^`]*`                          # code between backquotes
    | \b[A-Z]\{{[^}}]*\}}                                     # epydoc: C{{code}}, L{{link}}
    | "[^"\n]*" | “[^”\n]*” | ‘[^’\n]*’                       # quoted text
    | (?<![\w'])'[^'\n]+'(?!\w)
    | (?<![*\w])\*{{1,2}}(?:\w[^*\s]*\*{{1,2}}|\w+)            # *name*, **kwargs
    | \[[^\]\n]*\]\S*(?<![.,;:!?)]) | \{{[^}}\n]*\}} | <[^>\s][^>\n]*>  # lists, sets, placeholders
    | \w[\w.+-]*@[\w.-]+\w                                    # e-mail addresses
    | \w[\w.]*\([^()\s]*(?:,\s*[^()\s]+)*\)                   # calls
    | (?<![\w-])-{{1,2}}[A-Za-z][\w-]*                        # options
    | (?:\w+:)?[^\s,;:!?()]*[_=<>|\\/@\#$%^&*+~\[\]{{}}`]\S*(?<![.,;:!?)])       # words with a symbol of code
    | (?!(?:e\.g|i\.e)\b)\b\w+(?:\.\w+)+                      # dotted names, versions, file names
    | (?<!\w)\.\w+                                            # .suffix
    | (?:(?<!\w)[+-])?\w*\d(?:[\w.,:-]*\w)?                   # anything with a digit
    | \b\w*[a-z]\w*[A-Z]\w*\b                                 # camelCase, CamelCase
    | \b[A-Z]\w*[A-Z]\w*\b                                    # ACRONYMS
    | \b[A-Za-z]-\w+                                          # n-th, x-axis
    | (?<![\w'’])(?<![eEiI]\.)(?!(?:e\.g|i\.e)\b)[b-zB-Z](?![\w'’])  # one-letter names
    | (?<=[\w,;`'")\]}}][ ])(?!Python\b)[A-Z]\w*              # a capital within a sentence: a proper name
    | \b(?i:{"|".join(sorted(_TELLING_WORDS))})\b
    | \b\w+n['’]t\b
    """,
    re.VERBOSE,
)
_WORD = re.compile(r"\w+")
_PLAIN_NAME = re.compile(r"`\*{0,2}(\w{2,})`")
_COMMON = "an and as at by class for from function if in is it method of on or property static that the this to with"
_TOO_COMMON = frozenset(_COMMON.split())
"""Parameter names that are common English words; if they were protected, most sentences could not change."""


@lru_cache(maxsize=64)
def protected_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return the spans of `text` that must not change, as sorted (start, end) offsets without overlap.

    A name in backquotes is also protected where it occurs as a word without them. The first name is an exception,
    because it is the function itself: in the description of a function `copy`, `copy` is an ordinary verb.
    """
    matches = _RULES.finditer(text)
    spans = [match.span() for match in matches if match["plain"] is None or match["plain"] in _TELLING_WORDS]
    names = frozenset(_PLAIN_NAME.findall(text)[1:]) - _TOO_COMMON
    if names:
        free = blank(text, spans)
        spans += [match.span() for match in _WORD.finditer(free) if match.group() in names]
        spans.sort()
    return tuple(spans)


def protected_texts(text: str) -> list[str]:
    """Return the protected texts of `text` in order; a correct paraphrase has the same list."""
    return [text[start:end] for start, end in protected_spans(text)]


def blank(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Replace every character of `spans` in `text` by the mask, so that length and offsets do not change."""
    parts: list[str] = []
    previous = 0
    for start, end in spans:
        parts += [text[previous:start], MASK * (end - start)]
        previous = end
    return "".join([*parts, text[previous:]])


def masked(text: str) -> str:
    """Return `text` with its protected spans replaced by the mask."""
    return blank(text, protected_spans(text))
