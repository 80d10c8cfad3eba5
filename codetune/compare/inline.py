"""Find the differences between two texts within lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from io import StringIO
from typing import Literal

_WORDS = re.compile(r"\s+|[^\s]+")
_PART = re.compile(r"\w+|\s|[^\w\s]")
# The time to compare parts of lines grows with the product of the lengths. Above this limit whole lines are compared.
_MAX_PRODUCT = 1_000_000


@dataclass(frozen=True)
class Piece:
    """A part of two compared texts.

    :param kind: `same` if both texts have it, `missing` if only the first has it, `extra` if only the second has it.
    """

    kind: Literal["same", "missing", "extra"]
    text: str


def inline_difference(reference: str, answer: str) -> list[Piece]:
    """Compare two texts by words and characters, or by lines if they are long.

    :returns: pieces in order. Those that are not `extra` are the reference; those that are not `missing` the answer.
    """
    old, new = (_PART.findall(text) for text in (reference, answer))
    if len(old) * len(new) > _MAX_PRODUCT:
        old, new = (list(StringIO(text)) for text in (reference, answer))
    return _pieces(old, new)


def reworded(original: str, paraphrase: str) -> list[Piece]:
    """Compare two texts word by word; words that only the original has are `missing`."""
    return _pieces(_WORDS.findall(original), _WORDS.findall(paraphrase))


def _pieces(old: Sequence[str], new: Sequence[str]) -> list[Piece]:
    pieces: list[Piece] = []
    for kind, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", "".join(old[start:end])))
            continue
        if end > start:
            pieces.append(Piece("missing", "".join(old[start:end])))
        if last > first:
            pieces.append(Piece("extra", "".join(new[first:last])))
    return pieces
