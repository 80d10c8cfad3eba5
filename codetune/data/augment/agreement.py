"""Find errors of agreement between a subject or modal verb and the next verb, judged from single words.

The rules find only errors that a replacement can cause. They are few and simple, and find nothing in doubtful cases.
"""

from __future__ import annotations

import re

_BASE = (
    "accept add apply build calculate call check compute contain convert create delete determine display extract fetch "
    "find generate get give handle hold load make obtain perform print produce provide read remove retrieve return run "
    "save select send set show sort split store take update use validate verify write"
)
_SINGLE = (
    "argument attribute character column element field file function item key line method name node number object "
    "parameter result row string tuple type value word"
)
_VERB, _NOUN = (f"(?:{words.replace(' ', '|')})" for words in (_BASE, _SINGLE))
_NOUNS = f"{_NOUN}s"
_KIND = "(?:the|this|that) (?:function|method|property|class)"
_HELPED = r"(?<!\bhave )(?<!\blet )(?<!\blets )(?<!\bmake )(?<!\bmakes )"
"""Verbs before the subject that make a base form correct: "have it return"."""
_NO_VERB = "always|as|besides|less|perhaps|plus|sometimes|thus|this|its"

_RULES = [
    re.compile(rule, re.IGNORECASE)
    for rule in (
        rf"{_HELPED}\b(?:it|{_KIND}) {_VERB}\b",
        rf"\b(?:should|must|shall|will|would|can|could|may|might) (?!(?:{_NO_VERB})\b)[a-z]+[a-rtv-z]s\b",
        rf"\b{_NOUNS} (?:is|was|has|does)\b",
        r"\bit (?:are|were|have|do)\b",
        rf"\b(?:an?|each|every|this) {_NOUNS}\b",
        rf"\b(?:an?|each|every|this) {_NOUN} (?:are|were|have)\b",
        rf"\b(?:these|those|several|multiple|various|many) {_NOUN}(?=[.,;:]|$)",
    )
]


def disagreements(text: str) -> list[str]:
    """Return the phrases of `text` whose words do not agree, in lower case."""
    return [found.group().lower() for rule in _RULES for found in rule.finditer(text)]
