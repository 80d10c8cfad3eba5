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
    "method": Reason("context", "it is a method, and its class is not in the answer"),
    "private": Reason("context", "it is private: its docstring is a remark for those who know its module"),
    "module_unreadable": Reason("context", "the module that it stands in cannot be parsed"),
    "conditional_definition": Reason("context", "it, or a name that it needs, is defined in one of several ways"),
    "rebound_name": Reason("context", "a name that it needs is bound more than once in its module"),
    "star_import": Reason("context", "a name that it needs may come from an import of everything"),
    "undefined_name": Reason("context", "a name that it needs is bound nowhere"),
    "relative_import": Reason("context", "it needs another module of its package"),
    "import_not_allowed": Reason("context", "it needs a package that is not allowed"),
    "optional_import": Reason("context", "it needs what its module imports only where it is installed"),
    "module_state": Reason("context", "it needs a variable of its module that other code changes"),
    "module_attribute": Reason("context", "it asks for the name or the file of its module"),
    "names_by_text": Reason("context", "it runs text as code, or looks names up by their text"),
    "definition_cycle": Reason("context", "a constant that it needs is made by the function itself"),
    "unknown_annotation": Reason("context", "it has an annotation that names the unknown and cannot be cut out"),
    "unknown_type": Reason("context", "a parameter has a type of its package"),
    "foreign_object": Reason("context", "it takes an attribute of a parameter that nothing tells of"),
    "unknown_key": Reason("context", "it takes a key of a parameter that nothing tells of"),
    "untold_class": Reason("context", "its answer has a class that the instruction does not tell of"),
    "untold_parameter": Reason("context", "one of its parameters is told of neither by a type nor by a word"),
    "untold_value": Reason("context", "its answer has a text or number that the instruction does not tell of"),
    "untold_outcome": Reason(
        "context", "it shows no example of what it gives, whose form the instruction does not tell"
    ),
    "reads_the_outside": Reason(
        "context", "it reads a file, a stream, the clock or the environment, and shows no example"
    ),
    "docstring_too_brief": Reason("instruction", "its docstring says little for so much code"),
    "docstring_vague": Reason("instruction", "its docstring does not say what it does"),
    "instruction_tells_code": Reason("instruction", "its docstring holds a line of its code"),
    "code_too_short": Reason("length", "its code is too short"),
    "code_too_long": Reason("length", "its code is too long"),
    "reviewed": Reason("review", "a reviewer found that it cannot be answered, or that its answer is wrong"),
    "secret": Reason("safety", "it holds what looks like a key, token or password"),
    "personal_data": Reason("safety", "it holds what looks like somebody's address or number"),
    "exact_duplicate": Reason("duplicate", "it has the same syntax tree as another row"),
    "renamed_duplicate": Reason("duplicate", "it is another row with other names of its own or other constants"),
    "duplicate_instruction": Reason("duplicate", "it has the same instruction as another row"),
    "near_duplicate": Reason("duplicate", "its code is nearly that of another row"),
    "held_out_problem": Reason(
        "duplicate",
        "it holds the function or most of a row of val or test, or asks for what a held-out one does",
    ),
    "benchmark": Reason("duplicate", "its code is that of a benchmark's solution"),
    "package_share": Reason("share", "its package has more than its share of the train rows"),
    "near_duplicate_instruction": Reason(
        "duplicate", "its instruction is nearly that of another row, and its code is similar"
    ),
}


def known(reason: str) -> Reason:
    """The reason of that name; one that is not listed speaks for itself."""
    return REASONS.get(reason) or Reason(OTHER, f"of the rule `{reason}`")
