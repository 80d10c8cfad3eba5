"""Finding the phrases of the table in a text, where the words around show that they have the meaning of the table."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from codetune.data.augment.phrases import Phrase, Role, kind_of
from codetune.data.augment.protection import MASK, masked
from codetune.data.augment.signs import Opening, Text, fits

_SHORT_OPENING_NAMES = 3
"""Names in an opening (function, class, parameters) up to which its sentence may go on with what the function does."""

_WORD = re.compile(rf"(?<![-'/{MASK}])\b(?:e\.g\.|i\.e\.|[A-Za-z]+(?:[-'/][A-Za-z]+)*)(?![-/]?{MASK})")
"""A whole word: neither part of a compound with a protected name, nor grown together with one."""


@dataclass(frozen=True)
class Place:
    """A stretch of a text, from `start` to `end`, that `phrase` may be replaced in."""

    start: int
    end: int
    phrase: Phrase


class PlaceFinder:
    """Finds replaceable phrases.

    :param phrases: all forms of all phrases; where several fit a place the longest wins, then the first.
    """

    def __init__(self, phrases: list[Phrase]) -> None:
        self._phrases: dict[str, list[Phrase]] = defaultdict(list)
        for phrase in phrases:
            self._phrases[phrase.surface.removeprefix(". ")].append(phrase)
        self._longest = max((len(_WORD.findall(surface)) for surface in self._phrases), default=0)

    def places(self, text: str) -> list[Place]:
        """The replaceable places of `text` in order, none overlapping another or a protected span."""
        shadow = masked(text)
        words = [match.span() for match in _WORD.finditer(shadow)]
        whole = Text(shadow, self._opening(shadow, words))
        found: list[Place] = []
        index = 0
        while index < len(words):
            place, used = self._place_at(whole, words[index : index + self._longest])
            if place:
                found.append(place)
            index += used
        return found

    def _opening(self, shadow: str, words: list[tuple[int, int]]) -> Opening | None:
        """What the first sentence asks for, where that is one of the table's openings."""
        for _, end in reversed(words[: self._longest]):
            if any(phrase.role is Role.OPENING for phrase in self._phrases.get(shadow[:end], ())):
                stop = shadow.find(". ", end)
                names = len(re.findall(f"{MASK}+", shadow[:stop]))
                return Opening(kind_of(shadow[:end]), stop, names <= _SHORT_OPENING_NAMES) if stop > 0 else None
        return None

    def _place_at(self, text: Text, words: list[tuple[int, int]]) -> tuple[Place | None, int]:
        """The longest phrase that starts with the first of `words`, and how many words it takes; or None, and 1."""
        start = words[0][0]
        for count in range(len(words), 0, -1):
            end = words[count - 1][1]
            for phrase in self._phrases.get(text.shadow[start:end], ()):
                if fits(phrase, text, start, end):
                    return Place(end - len(phrase.surface), end, phrase), count
        return None, 1
