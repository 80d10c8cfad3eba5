"""Expand the phrase table into all forms that can occur in a text: inflections, capitals and articles.

A `Phrase` is one form with all its replacements in the same form, so that the code that replaces it needs no grammar.
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
"""Kinds of function in an opening, with the word that later sentences use."""


_PREPOSITIONS = ("of", "with", "at", "to", "for", "over", "through", "on")
_WITHOUT_OBJECT = "and or from with by in as to at for if when where while via is are was were , . ; : )"
_NO_OBJECT = frozenset(_WITHOUT_OBJECT.split())
"""Words that cannot follow a verb phrase that ends with a preposition: "make use of and close" has no object."""


class Role(Enum):
    """The grammatical position in which a phrase has the meaning of the table; `signs.py` recognises it."""

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
    """The text that must follow a form to show that it is a verb, because many forms are also nouns."""

    ANYTHING = auto()
    NO_PREPOSITION = auto()
    OBJECT = auto()


@dataclass(frozen=True)
class Phrase:
    """One form of a phrase and its replacements.

    :param surface: the form as it occurs in a text.
    :param alternatives: the replacements, in the same form.
    :param role: the position in which it may be replaced.
    :param kind: the kind that the opening must ask for, such as `function`; None for any.
    :param short: for a lead, whether it needs a short opening, because it continues that sentence (True), a long one
        (False), or any (None).
    :param follow: the text that must follow.
    :param unless_after: words that must not come just before.
    :param unless_before: words that must not come just after.
    :param only_after: words of which one must come just before; empty for any.
    :param closing: whether a punctuation mark must follow.
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
    """Return every phrase of the table in every form, in the order of the table."""
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
    """Return whether an opening in a text is a question."""
    return opening.startswith(tuple(question.split("{")[0] for question in table.questions))


def kind_of(opening: str) -> str:
    """Return the kind that the opening of an instruction asks for: `function`, `method` or `property`.

    :param opening: the surface of a phrase with role OPENING.
    """
    return next(short for long, short in _KINDS.items() if f" {long}" in opening)


def _lonely(verb: str) -> Group:
    """Return a group of one verb without replacements, which the table does not allow; only its lead can change."""
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
                if surface not in templates:  # "taking" is neither singular nor plural: inserted, but never replaced
                    yield Phrase(surface, _others(surface, surfaces), Role.SIGNATURE, kind=kind)


def _leads(group: Group, table: PhraseTable) -> Iterator[Phrase]:
    """Yield the verbs of a group at the start of a description.

    Half of the alternatives change the lead, a quarter the verb, and a quarter both.
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
    """Return the words that must not follow a verb of the group."""
    needs_object = any(phrase.endswith(tuple(f" {word}" for word in _PREPOSITIONS)) for phrase in group.also)
    return frozenset(group.unless_before) | (_NO_OBJECT if needs_object else frozenset())


def _follow(verb: str, inflect: Callable[[str], str], also_nouns: frozenset[str]) -> Follow:
    """Return what must follow a form to show that it is a verb.

    `return` is often a noun, `returns` seldom, `returning` almost never.
    """
    if verb not in also_nouns or inflect is gerund:
        return Follow.ANYTHING
    return Follow.NO_PREPOSITION if inflect is third_person else Follow.OBJECT


def _start(sentence: str) -> str:
    """Return a sentence with the full stop of the sentence before, unless it continues that sentence."""
    return sentence if sentence.startswith(" ") else f". {capitalized(sentence)}"


def _lead_alternatives(verb: str, fellows: list[str], leads: list[str], inflect: Callable[[str], str]) -> Iterator[str]:
    for number, lead in enumerate(leads):
        yield _start(lead.replace("{verb}", inflect(verb)))
        if fellows and number % 2:
            fellow = inflect(fellows[number // 2 % len(fellows)])
            yield _start(fellow)
            yield _start(lead.replace("{verb}", fellow))


def _noun_leads(table: PhraseTable) -> Iterator[Phrase]:
    """Yield the starts of descriptions that are not sentences.

    They are "The number of rows." for a property, and "Whether the file exists." for every kind.
    """
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
    """Yield the phrases of a group in one inflection, in lower case and with a capital at the start of a sentence."""
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
