"""The reasons for dropping a row. `codetune.reporting.reasons` explains each one in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drop:
    """The decision to drop a row, with what the rule measured or found.

    :param reason: a key of `REASONS`.
    :param measure: name of the measured quantity with its unit, such as `code_tokens`; None if nothing was measured.
    :param measured: the measured value.
    :param threshold: the limit of params.yaml that `measured` violates.
    :param found: the text that the rule matched; None if it matches no text, and for secrets.
    """

    reason: str
    measure: str | None = None
    measured: float | None = None
    threshold: float | None = None
    found: str | None = None


REASONS = {
    "license_not_allowed": "licence",
    "test_code": "place",
    "vendored": "place",
    "generated": "place",
    "dunder": "place",
    "docstring_too_short": "docstring",
    "docstring_too_long": "docstring",
    "docstring_not_english": "docstring",
    "docstring_of_identifiers": "docstring",
    "docstring_url": "docstring",
    "docstring_question": "docstring",
    "docstring_markup": "docstring",
    "syntax_error": "code",
    "too_deep": "code",
    "decorated": "code",
    "unfinished_or_deprecated": "code",
    "takes_nothing": "code",
    "returns_nothing": "code",
    "docstring_inseparable": "code",
    "method": "context",
    "private": "context",
    "module_unreadable": "context",
    "conditional_definition": "context",
    "rebound_name": "context",
    "star_import": "context",
    "undefined_name": "context",
    "relative_import": "context",
    "import_not_allowed": "context",
    "optional_import": "context",
    "module_state": "context",
    "module_attribute": "context",
    "names_by_text": "context",
    "definition_cycle": "context",
    "unknown_annotation": "context",
    "unknown_type": "context",
    "foreign_object": "context",
    "unknown_key": "context",
    "untold_class": "context",
    "untold_parameter": "context",
    "untold_value": "context",
    "untold_outcome": "context",
    "reads_the_outside": "context",
    "docstring_too_brief": "instruction",
    "docstring_vague": "instruction",
    "instruction_tells_code": "instruction",
    "code_too_short": "length",
    "code_too_long": "length",
    "reviewed": "review",
    "secret": "safety",
    "personal_data": "safety",
    "exact_duplicate": "duplicate",
    "renamed_duplicate": "duplicate",
    "duplicate_instruction": "duplicate",
    "near_duplicate": "duplicate",
    "held_out_problem": "duplicate",
    "benchmark": "duplicate",
    "package_share": "share",
    "near_duplicate_instruction": "duplicate",
}
"""The group of rules that each reason belongs to, in the order in which the rules are applied."""
