"""The reasons for dropping a row, in words.

Stages that compute data or models do not import this module. So a changed text makes DVC run only the stage of the
data card again.
"""

from __future__ import annotations

from dataclasses import dataclass

from codetune.data.clean.reasons import REASONS


@dataclass(frozen=True)
class Reason:
    """A reason in words.

    :param stage: the group of rules that the reason belongs to, such as `docstring`.
    :param words: a clause that completes the sentence "the row was dropped because ...".
    """

    stage: str
    words: str


OTHER = "other"
WORDS = {
    "license_not_allowed": "its licence is not among those allowed",
    "test_code": "it is test, example or benchmark code",
    "vendored": "it is a copy of code from another package",
    "generated": "a program generated it",
    "dunder": "it is a special method, whose docstring says little",
    "docstring_too_short": "the first paragraph of its docstring is too short",
    "docstring_too_long": "the first paragraph of its docstring is too long",
    "docstring_not_english": "its docstring has too few English letters",
    "docstring_of_identifiers": "its docstring is mostly identifiers",
    "docstring_url": "its docstring has a link to a web page",
    "docstring_question": "its docstring asks a question",
    "docstring_markup": "its docstring is markup rather than a sentence",
    "syntax_error": "it cannot be parsed by itself",
    "too_deep": "it is nested too deeply to be analysed",
    "decorated": "it has a decorator that the instruction cannot describe",
    "unfinished_or_deprecated": "it says that it is unfinished or deprecated",
    "takes_nothing": "it takes no argument",
    "returns_nothing": "it returns no value that could be used to check an answer",
    "docstring_inseparable": "its docstring shares a line with code",
    "method": "it is a method, and its class is not in the answer",
    "private": "it is private: its docstring is written for people who know its module",
    "module_unreadable": "its module cannot be parsed",
    "conditional_definition": "it, or a name that it needs, is defined in one of several ways",
    "rebound_name": "a name that it needs is bound more than once in its module",
    "star_import": "a name that it needs may come from a star import",
    "undefined_name": "a name that it needs is not defined anywhere",
    "relative_import": "it needs another module of its package",
    "import_not_allowed": "it needs a package that is not allowed",
    "optional_import": "it needs a package that its module imports only if the package is installed",
    "module_state": "it needs a variable of its module that other code changes",
    "module_attribute": "it asks for the name or the file of its module",
    "names_by_text": "it runs text as code, or looks up names that are given as text",
    "definition_cycle": "a constant that it needs is computed by the function itself",
    "unknown_annotation": "it has an annotation with an unknown name, and the annotation cannot be removed",
    "unknown_type": "a parameter has a type that is defined in its package",
    "foreign_object": "it reads an attribute of a parameter that is not described anywhere",
    "unknown_key": "it reads a key of a parameter that is not described anywhere",
    "untold_class": "its code defines a class that the instruction does not mention",
    "untold_parameter": "one of its parameters has no type and no description",
    "untold_value": "its code has a text or number that the instruction does not mention",
    "untold_outcome": "the instruction does not describe the form of its result, and it has no example",
    "reads_the_outside": "it reads a file, a stream, the clock or the environment, and it has no example",
    "docstring_too_brief": "its docstring says little for so much code",
    "docstring_vague": "its docstring does not say what it does",
    "instruction_tells_code": "its docstring contains a line of its code",
    "code_too_short": "its code is too short",
    "code_too_long": "its code is too long",
    "reviewed": "a reviewer found that it cannot be answered, or that its answer is wrong",
    "secret": "it contains text that looks like a key, token or password",
    "personal_data": "it contains text that looks like the address or number of a person",
    "exact_duplicate": "it has the same syntax tree as another row",
    "renamed_duplicate": "it is the same as another row except for local names, numbers and short texts",
    "duplicate_instruction": "it has the same instruction as another row",
    "near_duplicate": "its code is nearly the same as that of another row",
    "held_out_problem": "it contains the function or most of the code of a val or test row, or asks for the same task",
    "benchmark": "its code is the same as a benchmark's solution",
    "package_share": "its package has more than the allowed share of the train rows",
    "near_duplicate_instruction": "its instruction is nearly the same as that of another row, and its code is similar",
}


def describe_reason(reason: str) -> Reason:
    """Look up a reason by name.

    :param reason: a name in `REASONS`, or a name that another revision of the project used.
    :returns: the reason; for a name without words in `WORDS`, a text that contains the name.
    """
    if reason in REASONS and reason in WORDS:
        return Reason(REASONS[reason], WORDS[reason])
    return Reason(OTHER, f"of the rule `{reason}`")
