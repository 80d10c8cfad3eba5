"""Read and check the phrase table phrases.yaml, and count its phrases."""

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
    """Phrases with the same meaning."""

    model_config = _STRICT
    say: list[str] = Field(min_length=1, description="phrases that may be replaced, by each other and by `also`")
    also: list[str] = Field(default=[], description="phrases that are only inserted; repeated ones more often")
    unless_after: list[str] = Field(default=[], description="words just before that change the meaning")
    unless_before: list[str] = Field(default=[], description="words just after that change the meaning")
    only_after: list[str] = Field(default=[], description="words of which one must come just before")
    inside: bool = Field(default=False, description="not replaced at the start of a sentence")
    closing: bool = Field(default=False, description="replaced only before a punctuation mark")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return {"say": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _has_alternatives(self) -> Group:
        if len({*self.say, *self.also}) < 2:  # noqa: PLR2004 - a phrase and what to put in its place
            raise ValueError(f"group {self.say} has no replacement for its phrase")
        return self


class Signatures(BaseModel):
    """Phrases that introduce parameters, after the name of a function or after the class of a method."""

    model_config = _STRICT
    function: list[str]
    method: list[str]


class Leads(BaseModel):
    """Starts of the first sentence of a description, by the form of the words that follow."""

    model_config = _STRICT
    base: list[str]
    third: list[str]
    property: list[str]
    whether: list[str]


class PhraseTable(BaseModel):
    """The sections of phrases.yaml; the file explains each of them."""

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
        problems = [f"{phrase!r} contains {held}, which is protected" for phrase, held in self._protected()]
        problems += [
            f"{group.say[0]!r} and {phrase!r} do not contain the same comparatives"
            for group in self.groups()
            for phrase in (*group.say, *group.also)
            if comparatives(phrase) != comparatives(group.say[0])
        ]
        for section in (self.verbs, [*self.nouns, *self.adjectives, *self.phrases]):
            often = Counter(phrase for group in section for phrase in group.say).items()
            problems += [f"{phrase!r} is in `say` of {count} groups, not one" for phrase, count in often if count > 1]
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
        """Return the groups of words and phrases, without the sentence frames."""
        return [*self.verbs, *self.nouns, *self.adjectives, *self.phrases]

    def frames(self) -> list[list[str]]:
        """Return the sentence frames, one list per section."""
        parts = [self.openings, self.questions, self.owners, self.signatures.function, self.signatures.method]
        return [*parts, self.leads.base, self.leads.third, self.leads.property, self.leads.whether]

    def size(self) -> dict[str, int]:
        """Count groups, phrases, sentence frames and `lead_verbs`; each list of sentence frames is one group."""
        frames = self.frames()
        return {
            "groups": len(self.groups()) + len(frames),
            "phrases": len({phrase for group in self.groups() for phrase in (*group.say, *group.also)}),
            "sentence_frames": sum(len(set(frame)) for frame in frames),
            "lead_verbs": len(self.lead_verbs),
        }


def load_table(path: Path = TABLE_FILE) -> PhraseTable:
    """Read a phrase table from a YAML file.

    :raises UserError: if the file is missing, is not YAML, or breaks rules of the table; names every problem.
    """
    try:
        return PhraseTable.model_validate(read_strictly(path))
    except ValidationError as error:
        found = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise UserError(f"{path}: {'; '.join(found)}", "Correct the phrase table.") from None
