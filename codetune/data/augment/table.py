"""The phrase table as it is written in phrases.yaml: its shape, its checks, and how large it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from codetune.core.errors import UserError
from codetune.core.yaml_text import read_strictly
from codetune.data.augment.comparatives import comparatives
from codetune.data.augment.protection import protected_texts

TABLE_FILE = Path(__file__).with_name("phrases.yaml")
HELD_OUT_FILE = Path(__file__).with_name("phrases_held_out.yaml")
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
_BRACES = ("{python}", "{bare}", "{terse}", "{parameters}", "{arguments}", "{are}", "{verb}", "{kind}")


class Group(BaseModel):
    """Phrases of one meaning."""

    model_config = _STRICT
    say: list[str] = Field(min_length=1, description="phrases that may be replaced, by each other and by `also`")
    also: list[str] = Field(default=[], description="phrases that may only be put in; a repeated one more often")
    unless_after: list[str] = Field(default=[], description="words that, just before, give another meaning")
    unless_before: list[str] = Field(default=[], description="words that, just after, give another meaning")
    only_after: list[str] = Field(default=[], description="words of which one must stand just before")
    inside: bool = Field(default=False, description="left alone at the start of a sentence")
    closing: bool = Field(default=False, description="replaced only before a comma, a full stop or the like")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return {"say": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _has_alternatives(self) -> Group:
        if len({*self.say, *self.also}) < 2:  # noqa: PLR2004 - a phrase and what to put in its place
            raise ValueError(f"group {self.say} has nothing to put in the place of its phrase")
        return self


class Signatures(BaseModel):
    """How parameters are introduced, after the name of a function and after that of a method's class."""

    model_config = _STRICT
    function: list[str]
    method: list[str]


class Leads(BaseModel):
    """How the first sentence of a description starts, by the form of what it starts with."""

    model_config = _STRICT
    base: list[str]
    third: list[str]
    property: list[str]
    whether: list[str]


class PhraseTable(BaseModel):
    """All groups of phrases.yaml; the file explains each section."""

    model_config = _STRICT
    openings: list[str]
    questions: list[str]
    owners: list[str]
    signatures: Signatures
    leads: Leads
    verbs: list[Group]
    lead_verbs: list[str]
    also_nouns: list[str]
    nouns: list[Group]
    adjectives: list[Group]
    phrases: list[Group]

    @field_validator("lead_verbs", "also_nouns", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_sound(self) -> PhraseTable:
        problems = [f"{phrase!r} holds {held}, which is protected" for phrase, held in self._protected()]
        problems += [
            f"{group.say[0]!r} and {phrase!r} do not hold the same comparatives"
            for group in self.groups()
            for phrase in (*group.say, *group.also)
            if comparatives(phrase) != comparatives(group.say[0])
        ]
        for section in (self.verbs, [*self.nouns, *self.adjectives, *self.phrases]):
            often = Counter(phrase for group in section for phrase in group.say).items()
            problems += [f"{phrase!r} may be replaced in {count} groups" for phrase, count in often if count > 1]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _protected(self) -> list[tuple[str, list[str]]]:
        phrases = {phrase for group in self.groups() for phrase in (*group.say, *group.also)}
        frames = {frame for part in self.frames() for frame in part}
        for brace in _BRACES:
            frames = {frame.replace(brace, "thing") for frame in frames}
        found = ((phrase, protected_texts(phrase)) for phrase in sorted(phrases | frames))
        return [(phrase, held) for phrase, held in found if held]

    def groups(self) -> list[Group]:
        """The groups of words and phrases, those of the sentence frames left out."""
        return [*self.verbs, *self.nouns, *self.adjectives, *self.phrases]

    def frames(self) -> list[list[str]]:
        """The sentence frames, by what they are for."""
        parts = [self.openings, self.questions, self.owners, self.signatures.function, self.signatures.method]
        return [*parts, self.leads.base, self.leads.third, self.leads.property, self.leads.whether]

    def size(self) -> dict[str, int]:
        """How many groups and phrases each section has; sentence frames and `lead_verbs` count as phrases alone."""
        frames = self.frames()
        return {
            "groups": len(self.groups()) + len(frames),
            "phrases": len({phrase for group in self.groups() for phrase in (*group.say, *group.also)}),
            "sentence_frames": sum(len(set(frame)) for frame in frames),
            "lead_verbs": len(self.lead_verbs),
        }


def load_table(path: Path = TABLE_FILE) -> PhraseTable:
    """The phrase table of a YAML file.

    :raises UserError: when the file is missing, is not YAML, or breaks a rule of the table; every problem is named.
    """
    try:
        return PhraseTable.model_validate(read_strictly(path))
    except ValidationError as error:
        found = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise UserError(f"{path}: {'; '.join(found)}", "Mend the phrase table.") from None
