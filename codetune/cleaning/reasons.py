"""Why a row is dropped, and what each reason means, in the order in which the rules are applied."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a row is dropped, and what the rule measured or found.

    :param reason: a name of `REASONS`.
    :param measure: what was measured, with its unit, such as `code_tokens`; None where the rule measures nothing.
    :param threshold: the value of params.yaml that `measured` is beyond.
    :param found: the text that the rule matched; None where it matches none, and for secrets.
    """

    reason: str
    measure: str | None = None
    measured: float | None = None
    threshold: float | None = None
    found: str | None = None


@dataclass(frozen=True)
class Reason:
    """A reason in plain words.

    :param stage: the group of rules it belongs to.
    :param words: a clause that goes on from "the row was dropped because".
    """

    stage: str
    words: str


OTHER = "other"
REASONS = {
    "license_not_allowed": Reason("licence", "its licence is not among those allowed"),
    "test_code": Reason("place", "it is test, example or benchmark code"),
    "vendored": Reason("place", "it is a copy of somebody else's package"),
    "generated": Reason("place", "a program wrote it"),
    "dunder": Reason("place", "it is a special method, whose docstring says little"),
    "docstring_too_short": Reason("docstring", "the first paragraph of its docstring is too short"),
    "docstring_too_long": Reason("docstring", "the first paragraph of its docstring is too long"),
    "docstring_not_english": Reason("docstring", "its docstring has too few letters of English"),
    "docstring_of_identifiers": Reason("docstring", "its docstring is mostly names of code"),
    "docstring_url": Reason("docstring", "its docstring points to a web page"),
    "docstring_question": Reason("docstring", "its docstring asks a question"),
    "docstring_markup": Reason("docstring", "its docstring is markup rather than a sentence"),
    "syntax_error": Reason("code", "it cannot be parsed by itself"),
    "too_deep": Reason("code", "it is nested too deeply to be taken apart"),
    "decorated": Reason("code", "it has a decorator that the instruction could not tell of"),
    "unfinished_or_deprecated": Reason("code", "it says that it is unfinished or deprecated"),
    "takes_nothing": Reason("code", "it takes no argument"),
    "returns_nothing": Reason("code", "it returns nothing that an answer could be judged by"),
    "docstring_inseparable": Reason("code", "its docstring shares a line with code"),
    "code_too_short": Reason("length", "its code is too short"),
    "code_too_long": Reason("length", "its code is too long"),
    "secret": Reason("safety", "it holds what looks like a key, token or password"),
    "personal_data": Reason("safety", "it holds what looks like somebody's address or number"),
    "exact_duplicate": Reason("duplicate", "it has the same syntax tree as another row"),
    "renamed_duplicate": Reason("duplicate", "it is another row with other names of its own or other constants"),
    "duplicate_instruction": Reason("duplicate", "it has the same instruction as another row"),
    "near_duplicate": Reason("duplicate", "its code is nearly that of another row"),
    "benchmark": Reason("duplicate", "its code is that of a benchmark's solution"),
    "near_duplicate_instruction": Reason(
        "duplicate", "its instruction is nearly that of another row, and its code is similar"
    ),
}


def known(reason: str) -> Reason:
    """The reason of that name; one that is not listed speaks for itself."""
    return REASONS.get(reason) or Reason(OTHER, f"of the rule `{reason}`")
