"""Check whether a paraphrase is acceptable, from the two texts alone, for every method."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from codetune.data.augment.agreement import disagreements
from codetune.data.augment.comparatives import comparatives
from codetune.data.augment.inflection import article
from codetune.data.augment.protection import masked, protected_texts

Reason = Literal[
    "unchanged",
    "protected_changed",
    "comparative_changed",
    "wrong_article",
    "wrong_agreement",
    "repeated_word",
    "malformed",
    "too_similar",
]

_ARTICLE = re.compile(r"\b(an?) ([A-Za-z][a-z-]+)\b", re.IGNORECASE)
_REPEATED = re.compile(r"\b([A-Za-z]+) \1\b", re.IGNORECASE)
_MALFORMED = re.compile(r" {2}| [.,;:]|[.!?] [a-z](?!\.)|^[a-z]")
_WORD = re.compile(r"[A-Za-z]+")


def rejection(original: str, paraphrase: str, max_shared_words: float = 1.0) -> Reason | None:
    """Return the reason why a paraphrase is not acceptable, or None if it is.

    Errors that the original already has are ignored.

    :param max_shared_words: largest allowed share of common words; see `shared_words`.
    """
    if paraphrase.split() == original.split():
        return "unchanged"
    if protected_texts(paraphrase) != protected_texts(original):
        return "protected_changed"
    if comparatives(paraphrase) != comparatives(original):
        return "comparative_changed"
    reason = _grammar(original, paraphrase)
    if reason is None and shared_words(original, paraphrase) > max_shared_words:
        return "too_similar"
    return reason


def shared_words(original: str, paraphrase: str) -> float:
    """Return the number of words that two texts have in common, divided by the number of words of the longer text.

    Protected texts do not count.
    """
    bags = [Counter(word.lower() for word in _WORD.findall(masked(text))) for text in (original, paraphrase)]
    longer = max(bag.total() for bag in bags)
    return (bags[0] & bags[1]).total() / longer if longer else 1.0


def _grammar(original: str, paraphrase: str) -> Reason | None:
    if _more(_wrong_articles(original), _wrong_articles(paraphrase)):
        return "wrong_article"
    if _more(disagreements(original), disagreements(paraphrase)):
        return "wrong_agreement"
    if _more(_REPEATED.findall(original.lower()), _REPEATED.findall(paraphrase.lower())):
        return "repeated_word"
    if len(_MALFORMED.findall(paraphrase)) > len(_MALFORMED.findall(original)):
        return "malformed"
    return None


def _wrong_articles(text: str) -> list[str]:
    return [f"{found} {word}".lower() for found, word in _ARTICLE.findall(text) if article(word) != found.lower()]


def _more(before: list[str], after: list[str]) -> bool:
    """Return whether `after` contains something more often than `before`."""
    return bool(Counter(after) - Counter(before))
