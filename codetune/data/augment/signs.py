"""Decide whether a phrase at a place in a text has the meaning that the phrase table gives it.

Many English words can be a noun or a verb. These rules look at a few words before and after the phrase. In doubt the
answer is no, because leaving a phrase unchanged does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from codetune.data.augment.phrases import Follow, Phrase, Role
from codetune.data.augment.protection import MASK

_LOOK_BACK = 30
"""Number of characters before a phrase that are searched; every pattern is shorter."""

_LAST_WORD = re.compile(r"([A-Za-z'-]+|[,;:]) ?$")
_NEXT_WORD = re.compile(r" ?([A-Za-z'-]+|[.,;:)])")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|\n\s*|[(]\s*)$")
_BEFORE_BASE = re.compile(r"\b(?:to|and|or|then|should|must|will|would|can|could|may|might|shall|also|just) $")
_BEFORE_THIRD = re.compile(
    r"\b(?:and|or|then|which|that|it|also|this|function|method|class|property|helper|decorator|manager|object) $"
)
_BEFORE_GERUND = re.compile(r"\b(?:by|for|when|before|after|while|and|or) $")
_NOT_AN_OBJECT = re.compile(
    r" (?:it|them|us|me|itself|themselves|rid|up|out|down|off|over|back|away|in|on|through|along|together|around|for"
    r"|called|used|applied|passed)\b| ?[-–—]"
)
_AFTER_NOUN = re.compile(
    r" (?:of|for|to|in|on|at|is|are|was|were|and|or|from|by|with|as|when|per|that|which)\b|[.,:;)(]|$"
)
_OBJECT = re.compile(
    rf" (?:(?:an?|the|all|any|each|every|this|that|these|those|its|their|our|your|whether|if|some|how|what|which|where"
    rf"|when|given|new|multiple|several|more|both)\b|{MASK})"
)
_CLOSE = re.compile(r"[.,;:)]|$")
_CLAUSE = re.compile(
    r"[^.]* (?:is|are|was|were|has|have|had|can|will|should|must|may|does|do|returns?|becomes?|gets?|needs?)\b"
)


@dataclass(frozen=True)
class Opening:
    """The first sentence of an instruction.

    :param kind: the kind that it asks for, such as `function`.
    :param end: offset of its full stop.
    :param short: whether it has so few names that the sentence may continue.
    """

    kind: str
    end: int
    short: bool


@dataclass(frozen=True)
class Text:
    """A text with masked protected spans, and its opening."""

    shadow: str
    opening: Opening | None

    @cached_property
    def body(self) -> int:
        """The offset at which the description starts."""
        return self.opening.end + 2 if self.opening else 0

    def before(self, start: int) -> str:
        """Return the text just before `start`."""
        return self.shadow[max(0, start - _LOOK_BACK) : start]


def fits(phrase: Phrase, text: Text, start: int, end: int) -> bool:
    """Return whether the words around a phrase show that it has the meaning of the table.

    :param start: offset at which the phrase starts, without the full stop and space that its surface may include.
    :param end: offset at which it ends.
    """
    if phrase.role is not Role.OPENING and start < text.body and phrase.role not in (Role.OWNER, Role.SIGNATURE):
        return False
    before = _word(_LAST_WORD.search(text.before(start)))
    if before in phrase.unless_after or (phrase.only_after and before not in phrase.only_after):
        return False
    if phrase.closing and not _CLOSE.match(text.shadow, end):
        return False
    if phrase.unless_before and _word(_NEXT_WORD.match(text.shadow, end)) in phrase.unless_before:
        return False
    return _SIGNS[phrase.role](phrase, text, start, end)


def _word(match: re.Match[str] | None) -> str:
    return match.group(1).lower() if match else ""


def _is_opening(_: Phrase, text: Text, start: int, end: int) -> bool:
    return start == 0 and text.opening is not None and text.shadow.startswith(f" {MASK}", end)


def _is_between_names(phrase: Phrase, text: Text, start: int, end: int) -> bool:
    if text.opening is None or start >= text.body or not text.shadow.startswith(f" {MASK}", end):
        return False
    owned = " of class " in text.shadow[:start] or text.opening.kind != "function"
    return text.before(start).endswith(f"{MASK} ") and phrase.kind in (None, "method" if owned else "function")


def _is_lead(phrase: Phrase, text: Text, start: int, end: int) -> bool:
    opening = text.opening
    if opening is None or start != text.body or phrase.kind != opening.kind:
        return False
    return phrase.short in (None, opening.short) and (
        phrase.surface == ". Whether" or _is_verb(phrase, text.shadow, end)
    )


def _is_lead_noun(phrase: Phrase, text: Text, start: int, end: int) -> bool:
    opening = text.opening
    at_body = opening is not None and start == text.body and phrase.kind == opening.kind
    return at_body and not _CLAUSE.match(text.shadow, end)


def _is_start(_: Phrase, text: Text, start: int, __: int) -> bool:
    return start == text.body or _SENTENCE_START.search(text.before(start)) is not None


def _verb_after(before: re.Pattern[str]) -> Callable[[Phrase, Text, int, int], bool]:
    """Return a rule for verbs: with a capital at the start of a sentence, otherwise after a match of `before`."""

    def sign(phrase: Phrase, text: Text, start: int, end: int) -> bool:
        capital = phrase.surface[0].isupper()
        introduced = _is_start(phrase, text, start, end) if capital else before.search(text.before(start)) is not None
        return introduced and _is_verb(phrase, text.shadow, end)

    return sign


def _is_adjective(phrase: Phrase, text: Text, start: int, end: int) -> bool:
    in_order = phrase.surface[0].islower() or _is_start(phrase, text, start, end)
    return in_order and not _AFTER_NOUN.match(text.shadow, end)


def _is_verb(phrase: Phrase, shadow: str, end: int) -> bool:
    """Return whether the text after a phrase allows it to be a verb with an object."""
    if " " in phrase.surface.removeprefix(". "):
        return not re.match(r" (?:it|them)\b", shadow[end:])
    if _NOT_AN_OBJECT.match(shadow, end):
        return False
    if phrase.follow is Follow.NO_PREPOSITION:
        return not _AFTER_NOUN.match(shadow, end)
    return phrase.follow is Follow.ANYTHING or _OBJECT.match(shadow, end) is not None


_SIGNS: dict[Role, Callable[[Phrase, Text, int, int], bool]] = {
    Role.OPENING: _is_opening,
    Role.OWNER: _is_between_names,
    Role.SIGNATURE: _is_between_names,
    Role.LEAD: _is_lead,
    Role.LEAD_NOUN: _is_lead_noun,
    Role.START: _is_start,
    Role.BASE: _verb_after(_BEFORE_BASE),
    Role.THIRD: _verb_after(_BEFORE_THIRD),
    Role.GERUND: _verb_after(_BEFORE_GERUND),
    Role.ADJECTIVE: _is_adjective,
    Role.ANYWHERE: lambda *_: True,
}
