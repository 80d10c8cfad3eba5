"""A paraphrase beside its original, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_WORDS = re.compile(r"\s+|[^\s]+")

Piece = tuple[str, bool]


def reworded(original: str, paraphrase: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, each with whether the other text lacks it; joined they are the texts again."""
    before, after = _WORDS.findall(original), _WORDS.findall(paraphrase)
    lost: list[Piece] = []
    gained: list[Piece] = []
    for kind, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if start < end:
            lost.append(("".join(before[start:end]), kind != "equal"))
        if first < last:
            gained.append(("".join(after[first:last]), kind != "equal"))
    return lost, gained
