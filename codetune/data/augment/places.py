"""Find phrases of the table in a text at places where they have the meaning of the table."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from codetune.data.augment.phrases import Phrase, Role, kind_of
from codetune.data.augment.protection import MASK, masked
from codetune.data.augment.signs import Opening, Text, fits

_SHORT_OPENING_NAMES = 3
"""Largest number of names (function, class, parameters) in an opening whose sentence may continue."""

_WORD = re.compile(rf"(?<![-'/{MASK}])\b(?:e\.g\.|i\.e\.|[A-Za-z]+(?:[-'/][A-Za-z]+)*)(?![-/]?{MASK})")
"""A whole word that is not joined to a protected name, also not by a hyphen or slash."""


@dataclass(frozen=True)
class Place:
    """A place in a text where `phrase` may be replaced, from offset `start` to `end`."""

    start: int
    end: int
    phrase: Phrase


class PlaceFinder:
    """Finds replaceable phrases in texts.

    :param phrases: all forms of all phrases; if several match at a place, the longest is used, then the first.
    """

    def __init__(self, phrases: list[Phrase]) -> None:
        self._phrases: dict[str, list[Phrase]] = defaultdict(list)
        for phrase in phrases:
            self._phrases[phrase.surface.removeprefix(". ")].append(phrase)
        self._longest = max((len(_WORD.findall(surface)) for surface in self._phrases), default=0)

    def places(self, text: str) -> list[Place]:
        """Return the replaceable places of `text` in order; they overlap neither each other nor protected spans."""
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
        """Return the opening in the first sentence, or None if the table does not contain it."""
        for _, end in reversed(words[: self._longest]):
            if any(phrase.role is Role.OPENING for phrase in self._phrases.get(shadow[:end], ())):
                stop = shadow.find(". ", end)
                names = len(re.findall(f"{MASK}+", shadow[:stop]))
                return Opening(kind_of(shadow[:end]), stop, names <= _SHORT_OPENING_NAMES) if stop > 0 else None
        return None

    def _place_at(self, text: Text, words: list[tuple[int, int]]) -> tuple[Place | None, int]:
        """Return the longest phrase that starts with the first word, and its number of words, or None and 1."""
        start = words[0][0]
        for count in range(len(words), 0, -1):
            end = words[count - 1][1]
            for phrase in self._phrases.get(text.shadow[start:end], ()):
                if fits(phrase, text, start, end):
                    return Place(end - len(phrase.surface), end, phrase), count
        return None, 1
