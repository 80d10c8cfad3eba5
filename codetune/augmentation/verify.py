"""The check that a paraphrase says the same of the same things: it knows nothing of how the paraphrase was made."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from codetune.augmentation.inflection import article
from codetune.augmentation.protection import protected_texts

Reason = Literal["unchanged", "too_few_changes", "protected_changed", "wrong_article", "repeated_word", "malformed"]

_ARTICLE = re.compile(r"\b(an?) ([A-Za-z][a-z-]+)\b", re.IGNORECASE)
_REPEATED = re.compile(r"\b([A-Za-z]+) \1\b", re.IGNORECASE)
_MALFORMED = re.compile(r" {2}| [.,;:]|[.!?] [a-z](?!\.)|^[a-z]")


def rejection(original: str, paraphrase: str) -> Reason | None:
    """Why `paraphrase` may not stand for `original`; None when it may.

    Faults that the original has as well are not held against the paraphrase.
    """
    if paraphrase.split() == original.split():
        return "unchanged"
    if protected_texts(paraphrase) != protected_texts(original):
        return "protected_changed"
    if _more(_wrong_articles(original), _wrong_articles(paraphrase)):
        return "wrong_article"
    if _more(_REPEATED.findall(original.lower()), _REPEATED.findall(paraphrase.lower())):
        return "repeated_word"
    if len(_MALFORMED.findall(paraphrase)) > len(_MALFORMED.findall(original)):
        return "malformed"
    return None


def _wrong_articles(text: str) -> list[str]:
    return [f"{found} {word}".lower() for found, word in _ARTICLE.findall(text) if article(word) != found.lower()]


def _more(before: list[str], after: list[str]) -> bool:
    """Whether `after` holds something more often than `before`."""
    return bool(Counter(after) - Counter(before))
