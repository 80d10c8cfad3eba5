"""From the phrase table to what stands in a text: every inflection, capital and article of every phrase.

A `Phrase` is one form as it may stand in a text, with all that may stand there instead, already in the right form, so
that whoever replaces it need not know any grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from codetune.data.augment.inflection import article, capitalized, gerund, plural, third_person
from codetune.data.augment.table import Group, PhraseTable

_KINDS = {
    "function": "function",
    "method": "method",
    "static method": "method",
    "class method": "method",
    "property": "property",
}
"""What an opening can ask for, and what a later sentence calls it."""


_PREPOSITIONS = ("of", "with", "at", "to", "for", "over", "through", "on")
_WITHOUT_OBJECT = "and or from with by in as to at for if when where while via is are was were , . ; : )"
_NO_OBJECT = frozenset(_WITHOUT_OBJECT.split())
"""What cannot follow a verb phrase that ends with a preposition: "make use of and close" has lost its object."""


class Role(Enum):
    """Where in a text a phrase has the meaning that the table gives it; `signs.py` knows how to tell."""

    OPENING = auto()
    OWNER = auto()
    SIGNATURE = auto()
    LEAD = auto()
    LEAD_NOUN = auto()
    START = auto()
    THIRD = auto()
    BASE = auto()
    GERUND = auto()
    ADJECTIVE = auto()
    ANYWHERE = auto()


class Follow(Enum):
    """What must come after a form for it to be a verb: many forms are those of a noun as well."""

    ANYTHING = auto()
    NO_PREPOSITION = auto()
    OBJECT = auto()


@dataclass(frozen=True)
class Phrase:
    """One form of a phrase, and what may stand in its place.

    :param kind: what the opening must ask for, such as `function`; None where that plays no part.
    :param short: for a lead: whether it fits only a short opening, which the sentence may go on from (True), only a
        long one (False), or any (None).
    :param follow: what must come next.
    """

    surface: str
    alternatives: tuple[str, ...]
    role: Role
    kind: str | None = None
    short: bool | None = None
    follow: Follow = Follow.ANYTHING
    unless_after: frozenset[str] = frozenset()
    unless_before: frozenset[str] = frozenset()
    only_after: frozenset[str] = frozenset()
    closing: bool = False


def all_phrases(table: PhraseTable) -> list[Phrase]:
    """Every phrase of the table in every form, in the order of the table."""
    verbs = [*table.verbs, *(_lonely(verb) for verb in _without_fellows(table))]
    return [
        *_openings(table),
        *_signatures(table),
        *(phrase for group in verbs for phrase in _leads(group, table)),
        *_noun_leads(table),
        *(phrase for group in table.verbs for phrase in _verbs(group, frozenset(table.also_nouns))),
        *(phrase for group in table.nouns for phrase in _nouns(group)),
        *(phrase for group in table.adjectives for phrase in _adjectives(group)),
        *(phrase for group in table.phrases for phrase in _forms(group, str)),
    ]


def is_question(opening: str, table: PhraseTable) -> bool:
    """Whether `opening`, as it stands in a text, asks something."""
    return opening.startswith(tuple(question.split("{")[0] for question in table.questions))


def kind_of(opening: str) -> str:
    """What the opening of an instruction asks for: `function`, `method` or `property`.

    :param opening: the surface of a phrase of role OPENING.
    """
    return next(short for long, short in _KINDS.items() if f" {long}" in opening)


def _lonely(verb: str) -> Group:
    """A group of `verb` alone, which the table does not allow: there is nothing to put in but another lead."""
    return Group.model_construct(say=[verb])


def _without_fellows(table: PhraseTable) -> list[str]:
    taken = {phrase for group in table.verbs for phrase in group.say}
    return [verb for verb in table.lead_verbs if verb not in taken]


def _others(surface: str, candidates: list[str]) -> tuple[str, ...]:
    return tuple(candidate for candidate in candidates if candidate != surface)


def _openings(table: PhraseTable) -> Iterator[Phrase]:
    for kind in _KINDS:
        for pace in ("", "asynchronous ", "async "):
            python, bare = f"{pace}Python {kind}", f"{pace}{kind}"
            forms = {
                "python": f"{article(python)} {python}",
                "bare": f"{article(bare)} {bare}",
                "terse": capitalized(python),
            }
            surfaces = [opening.format(**forms) for opening in table.openings]
            questions = [question.format(**forms) for question in table.questions]
            for surface in surfaces:
                yield Phrase(surface, (*_others(surface, surfaces), *questions), Role.OPENING)


def _signatures(table: PhraseTable) -> Iterator[Phrase]:
    for surface in table.owners:
        yield Phrase(surface, _others(surface, table.owners), Role.OWNER)
    singular = {"parameters": "parameter", "arguments": "argument", "are": "is"}
    for forms in (singular, {"parameters": "parameters", "arguments": "arguments", "are": "are"}):
        for kind, templates in (("function", table.signatures.function), ("method", table.signatures.method)):
            surfaces = [template.format(**forms) for template in templates]
            for surface in surfaces:
                if surface not in templates:  # what says no number ("taking") may be put in, never replaced
                    yield Phrase(surface, _others(surface, surfaces), Role.SIGNATURE, kind=kind)


def _leads(group: Group, table: PhraseTable) -> Iterator[Phrase]:
    """The group's verbs at the start of a description.

    Half of the alternatives bring another lead, a quarter another verb, a quarter both.
    """
    also_nouns = frozenset(table.also_nouns)
    for inflect, leads in ((str, table.leads.base), (third_person, table.leads.third)):
        for kind in sorted(set(_KINDS.values())):
            for short in (True, False):
                usable = [lead.replace("{kind}", kind) for lead in leads if short or not lead.startswith(" ")]
                for verb in group.say:
                    fellows = [other for other in [*group.say, *group.also] if other != verb]
                    yield Phrase(
                        surface=_start(inflect(verb)),
                        alternatives=tuple(_lead_alternatives(verb, fellows, usable, inflect)),
                        role=Role.LEAD,
                        kind=kind,
                        short=short,
                        follow=_follow(verb, inflect, also_nouns),
                        unless_before=_unless_before(group),
                    )


def _unless_before(group: Group) -> frozenset[str]:
    """The words that must not follow a verb of the group."""
    needs_object = any(phrase.endswith(tuple(f" {word}" for word in _PREPOSITIONS)) for phrase in group.also)
    return frozenset(group.unless_before) | (_NO_OBJECT if needs_object else frozenset())


def _follow(verb: str, inflect: Callable[[str], str], also_nouns: frozenset[str]) -> Follow:
    """What shows that a form is a verb: `return` is often a noun, `returns` seldom, `returning` hardly ever."""
    if verb not in also_nouns or inflect is gerund:
        return Follow.ANYTHING
    return Follow.NO_PREPOSITION if inflect is third_person else Follow.OBJECT


def _start(sentence: str) -> str:
    """How `sentence` goes on from the sentence before, whose full stop it brings along."""
    return sentence if sentence.startswith(" ") else f". {capitalized(sentence)}"


def _lead_alternatives(verb: str, fellows: list[str], leads: list[str], inflect: Callable[[str], str]) -> Iterator[str]:
    for number, lead in enumerate(leads):
        yield _start(lead.replace("{verb}", inflect(verb)))
        if fellows and number % 2:
            fellow = inflect(fellows[number // 2 % len(fellows)])
            yield _start(fellow)
            yield _start(lead.replace("{verb}", fellow))


def _noun_leads(table: PhraseTable) -> Iterator[Phrase]:
    """Descriptions that are no sentence: "The number of rows." of a property, "Whether the file exists.", of any."""
    for determiner in ("The", "A", "An"):
        alternatives = tuple(f". {lead} {determiner.lower()}" for lead in table.leads.property)
        yield Phrase(f". {determiner}", alternatives, Role.LEAD_NOUN, kind="property")
    for kind in sorted(set(_KINDS.values())):
        alternatives = tuple(f". {lead.format(kind=kind)} whether" for lead in table.leads.whether)
        yield Phrase(". Whether", alternatives, Role.LEAD, kind=kind)


def _verbs(group: Group, also_nouns: frozenset[str]) -> Iterator[Phrase]:
    for inflect, role in ((str, Role.BASE), (third_person, Role.THIRD), (gerund, Role.GERUND)):
        guarded = group.model_copy(update={"unless_before": sorted(_unless_before(group))})
        yield from _forms(guarded, inflect, role, also_nouns)


def _nouns(group: Group) -> Iterator[Phrase]:
    for inflect in (_with_article, str, plural):
        yield from _forms(group, inflect)


def _adjectives(group: Group) -> Iterator[Phrase]:
    yield from _forms(group.model_copy(update={"only_after": []}), _with_article, Role.ADJECTIVE)
    yield from _forms(group.model_copy(update={"inside": True}), str, Role.ADJECTIVE)


def _with_article(phrase: str) -> str:
    return f"{article(phrase)} {phrase}"


def _forms(
    group: Group,
    inflect: Callable[[str], str],
    role: Role = Role.ANYWHERE,
    also_nouns: frozenset[str] = frozenset(),
) -> Iterator[Phrase]:
    """The group's phrases in one inflection: in small letters, and as the start of a sentence."""
    for phrase in group.say:
        others = [other for other in [*group.say, *group.also] if other != phrase]
        for shape in (str,) if group.inside else (str, capitalized):
            yield Phrase(
                surface=shape(inflect(phrase)),
                alternatives=tuple(shape(inflect(other)) for other in others),
                role=Role.START if shape is capitalized and role is Role.ANYWHERE else role,
                follow=_follow(phrase, inflect, also_nouns),
                unless_after=frozenset(group.unless_after),
                unless_before=frozenset(group.unless_before),
                only_after=frozenset(group.only_after),
                closing=group.closing,
            )
