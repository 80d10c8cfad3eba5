"""The `clean` section for tests. Its limits let small functions pass; the other values suit a small project."""

from typing import Any

from codetune.data.clean.params import CleanParams

SMALL = {
    "seed": 7, "licenses": "permissive", "unknown_license": "keep", "context": "any", "packages": [],
    "held_out": [], "max_package_share": 1.0, "secrets": "drop", "personal_data": "redact",
    "min_code_lines": 2, "max_code_lines": 30, "min_tokens": 10, "max_tokens": 200, "min_docstring_words": 3,
    "max_docstring_words": 30, "max_tokens_per_word": 30, "min_english": 0.8, "max_identifiers": 0.5, "near_duplicate": 0.7,
    "near_duplicate_instruction": 0.8, "near_duplicate_instruction_code": 0.6, "benchmarks": [], "join_groups": 0.2,
    "test_share": 0.2, "val_share": 0.2, "workers": 1,
}  # fmt: skip


def clean_params(**changes: Any) -> CleanParams:
    """Return the section with some values changed."""
    return CleanParams.model_validate(SMALL | changes)
