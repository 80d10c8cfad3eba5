"""The reasons for dropping a row in plain words.

No stage that computes imports this module, so that a changed sentence makes the data card again and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from codetune.data.clean.reasons import REASONS


@dataclass(frozen=True)
class Reason:
    """A reason in plain words.

    :param stage: the group of rules it belongs to.
    :param words: a clause that goes on from "the row was dropped because".
    """

    stage: str
    words: str


OTHER = "other"
WORDS = {
    "license_not_allowed": "its licence is not among those allowed",
    "test_code": "it is test, example or benchmark code",
    "vendored": "it is a copy of somebody else's package",
    "generated": "a program wrote it",
    "dunder": "it is a special method, whose docstring says little",
    "docstring_too_short": "the first paragraph of its docstring is too short",
    "docstring_too_long": "the first paragraph of its docstring is too long",
    "docstring_not_english": "its docstring has too few letters of English",
    "docstring_of_identifiers": "its docstring is mostly names of code",
    "docstring_url": "its docstring points to a web page",
    "docstring_question": "its docstring asks a question",
    "docstring_markup": "its docstring is markup rather than a sentence",
    "syntax_error": "it cannot be parsed by itself",
    "too_deep": "it is nested too deeply to be taken apart",
    "decorated": "it has a decorator that the instruction could not tell of",
    "unfinished_or_deprecated": "it says that it is unfinished or deprecated",
    "takes_nothing": "it takes no argument",
    "returns_nothing": "it returns nothing that an answer could be judged by",
    "docstring_inseparable": "its docstring shares a line with code",
    "method": "it is a method, and its class is not in the answer",
    "private": "it is private: its docstring is a remark for those who know its module",
    "module_unreadable": "the module that it stands in cannot be parsed",
    "conditional_definition": "it, or a name that it needs, is defined in one of several ways",
    "rebound_name": "a name that it needs is bound more than once in its module",
    "star_import": "a name that it needs may come from an import of everything",
    "undefined_name": "a name that it needs is bound nowhere",
    "relative_import": "it needs another module of its package",
    "import_not_allowed": "it needs a package that is not allowed",
    "optional_import": "it needs what its module imports only where it is installed",
    "module_state": "it needs a variable of its module that other code changes",
    "module_attribute": "it asks for the name or the file of its module",
    "names_by_text": "it runs text as code, or looks names up by their text",
    "definition_cycle": "a constant that it needs is made by the function itself",
    "unknown_annotation": "it has an annotation that names the unknown and cannot be cut out",
    "unknown_type": "a parameter has a type of its package",
    "foreign_object": "it takes an attribute of a parameter that nothing tells of",
    "unknown_key": "it takes a key of a parameter that nothing tells of",
    "untold_class": "its answer has a class that the instruction does not tell of",
    "untold_parameter": "one of its parameters is told of neither by a type nor by a word",
    "untold_value": "its answer has a text or number that the instruction does not tell of",
    "untold_outcome": "it shows no example of what it gives, whose form the instruction does not tell",
    "reads_the_outside": "it reads a file, a stream, the clock or the environment, and shows no example",
    "docstring_too_brief": "its docstring says little for so much code",
    "docstring_vague": "its docstring does not say what it does",
    "instruction_tells_code": "its docstring holds a line of its code",
    "code_too_short": "its code is too short",
    "code_too_long": "its code is too long",
    "reviewed": "a reviewer found that it cannot be answered, or that its answer is wrong",
    "secret": "it holds what looks like a key, token or password",
    "personal_data": "it holds what looks like somebody's address or number",
    "exact_duplicate": "it has the same syntax tree as another row",
    "renamed_duplicate": "it is another row with other names of its own or other constants",
    "duplicate_instruction": "it has the same instruction as another row",
    "near_duplicate": "its code is nearly that of another row",
    "held_out_problem": "it holds the function or most of a row of val or test, or asks for what a held-out one does",
    "benchmark": "its code is that of a benchmark's solution",
    "package_share": "its package has more than its share of the train rows",
    "near_duplicate_instruction": "its instruction is nearly that of another row, and its code is similar",
}


def known(reason: str) -> Reason:
    """The reason of that name; one without words here gets its name as words.

    :param reason: a name of `REASONS`, or one of another revision.
    """
    if reason in REASONS and reason in WORDS:
        return Reason(REASONS[reason], WORDS[reason])
    return Reason(OTHER, f"of the rule `{reason}`")
