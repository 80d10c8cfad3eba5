"""A paraphrase beside its original, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_WORDS = re.compile(r"\s+|[^\s]+")

Piece = tuple[str, bool]


def reworded(original: str, paraphrase: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, each with whether the other text lacks it; joined they are the texts again."""
    before, after = _WORDS.findall(original), _WORDS.findall(paraphrase)
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    for kind, *ends in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for side, words, start, end in ((sides[0], before, *ends[:2]), (sides[1], after, *ends[2:])):
            if start < end:
                side.append(("".join(words[start:end]), kind != "equal"))
    return sides
