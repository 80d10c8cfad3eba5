"""Inflect English words for the phrase table: regular rules, and exceptions that are common in texts about code."""

from __future__ import annotations

import re

_DOUBLING = (
    "begin clip crop cut drop emit fit flip format get grab log map omit output pad permit plan plot pop put refer "
    "reset run scan set shut skip snap spot split step stop strip submit swap tag transmit trim unwrap unzip wrap zip"
)
_DOUBLED = frozenset(_DOUBLING.split())
"""Verbs whose last consonant is doubled before -ing."""
_VOWELS = "aeiou"
_SOUNDS_LIKE_CONSONANT = re.compile(r"(?:uni(?!m|n)|us[aeiu]|usu|util|eu|one\b|once\b|ubiq)", re.IGNORECASE)
_SILENT_H = re.compile(r"(?:hour|honest|honou?r|heir)", re.IGNORECASE)


def _on_head(phrase: str, word: str) -> str:
    """Replace the first word of a phrase: in `work out` only `work` is inflected."""
    _, space, rest = phrase.partition(" ")
    return word + space + rest


def third_person(phrase: str) -> str:
    """Return the third person of a verb phrase in base form: `work out` gives `works out`."""
    head = phrase.split(" ", 1)[0]
    if head.endswith(("s", "x", "z", "ch", "sh", "o")):
        return _on_head(phrase, head + "es")
    if head.endswith("y") and head[-2] not in _VOWELS:
        return _on_head(phrase, head[:-1] + "ies")
    return _on_head(phrase, head + "s")


def gerund(phrase: str) -> str:
    """Return the -ing form of a verb phrase in base form: `set up` gives `setting up`."""
    head = phrase.split(" ", 1)[0]
    if head.endswith("e") and not head.endswith(("ee", "oe", "ye")):
        return _on_head(phrase, head[:-1] + "ing")
    return _on_head(phrase, head + head[-1] + "ing" if head in _DOUBLED else head + "ing")


def plural(noun: str) -> str:
    """Return the plural of a noun phrase whose last word is the noun: `regex` gives `regexes`."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in _VOWELS:
        return noun[:-1] + "ies"
    return noun + "s"


def article(word: str) -> str:
    """Return the article `a` or `an` for a word, by its sound as far as the spelling shows it."""
    if _SILENT_H.match(word):
        return "an"
    if word[:1].lower() in _VOWELS and not _SOUNDS_LIKE_CONSONANT.match(word):
        return "an"
    return "a"


def capitalized(text: str) -> str:
    """Return `text` with a capital first letter and the rest unchanged (unlike `str.capitalize`)."""
    return text[:1].upper() + text[1:]
