"""The three tiers of tests: `make test-quick`, `make test` and `make test-long`.

A test that belongs to a whole file or folder gets its mark here; the mark of a single test stands beside it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = (
    "processors/",  # emulated processors
    "test_real_model.py",  # the default base model
    "test_repro.py",  # `dvc repro` and `dvc exp run` in a clone
)
"""Files and folders of tests that take minutes by nature."""
SLOW = (
    "app/", "compare/test_commands.py", "compare/test_samples.py", "core/test_errors.py", "data/augment/test_rows.py",
    "data/leakage/test_examine.py", "evaluation/alignment/", "evaluation/execution/", "evaluation/sandbox/",
    "evaluation/test_answers.py", "fuzz/", "generation/", "scripts/", "stages/", "test_families.py",
    "publishing/", "serving/", "test_planted_corpus.py", "test_worker_counts.py", "training/",
)  # fmt: skip
"""Files and folders of tests that `make test-quick` leaves out."""
FUZZ = "fuzz/"
"""Tests with random inputs; `make test-long` runs them again with many more."""


def mark(items: list[pytest.Item], folder: Path) -> None:
    """Mark the tests of these files and folders.

    :param items: the collected tests.
    :param folder: the folder of all tests.
    """
    for item in items:
        path = item.path.relative_to(folder).as_posix()
        if path.startswith(LONG):
            item.add_marker(pytest.mark.long)
        if path.startswith(FUZZ):
            item.add_marker(pytest.mark.fuzz)
        if path.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
