"""What a text has that another lacks, and the other way round, within the line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from io import StringIO
from typing import Literal

_WORDS = re.compile(r"\s+|[^\s]+")
_PART = re.compile(r"\w+|\s|[^\w\s]")
# Comparing part by part takes time with the product of the lengths; beyond this whole lines are compared.
_MAX_PRODUCT = 1_000_000


@dataclass(frozen=True)
class Piece:
    """A stretch of text that both have, that only the first has (`missing`), or only the second (`extra`)."""

    kind: Literal["same", "missing", "extra"]
    text: str


def inline_difference(reference: str, answer: str) -> list[Piece]:
    """The pieces that, less the extra ones, are the reference, and less the missing ones the answer."""
    old, new = (_PART.findall(text) for text in (reference, answer))
    if len(old) * len(new) > _MAX_PRODUCT:
        old, new = (list(StringIO(text)) for text in (reference, answer))
    return _pieces(old, new)


def reworded(original: str, paraphrase: str) -> list[Piece]:
    """As `inline_difference`, word by word: what the original alone has is `missing`."""
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
