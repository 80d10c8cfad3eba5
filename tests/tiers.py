"""The three tiers of tests: `make test-quick`, `make test` and `make test-long`.

A test that belongs to a whole file or folder gets its mark here; the mark of a single test stands beside it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = (
    "app/test_sessions.py",  # ten visitors at once
    "processors/",  # emulated processors
    "test_real_model.py",  # the default base model
    "test_repro.py",  # `dvc repro` and `dvc exp run` in a clone
)
"""Files and folders of tests that take minutes by nature."""
SLOW = (
    "app/", "cli/test_serve.py", "cli/test_verify.py", "compare/test_commands.py", "compare/test_samples.py",
    "core/test_errors.py", "core/test_survival.py", "core/test_workers.py", "data/augment/test_meaning.py",
    "data/augment/test_paraphrase.py", "data/augment/test_rows.py", "data/leakage/test_examine.py",
    "evaluation/alignment/", "evaluation/execution/", "evaluation/metrics/test_baseline.py",
    "evaluation/metrics/test_bertscore.py", "evaluation/metrics/test_matching.py", "evaluation/sandbox/",
    "evaluation/test_answers.py", "export/", "fuzz/", "generation/", "numerics/test_fix.py", "publishing/", "scripts/",
    "serving/", "stages/", "test_families.py", "test_planted_corpus.py", "test_same_prompt.py", "test_worker_counts.py",
    "training/",
)  # fmt: skip
"""Files and folders of tests that `make test-quick` leaves out."""
FUZZ = "fuzz/"
"""Tests with random inputs; `make test-long` runs them again with many more."""


FIRST = (
    "test_repro.py", "processors/test_processors.py", "test_notebook.py",
    "app/test_browser_kept.py", "app/test_browser.py", "app/test_compare_browser.py", "stages/test_augment.py",
    "app/pages/test_try_it.py", "evaluation/sandbox/test_attacks.py", "stages/test_train.py",
    "app/test_browser_contrast.py", "app/test_browser_tables.py", "app/test_browser_keyboard.py",
    "scripts/test_setup.py", "app/pages/test_compare.py", "test_worker_counts.py", "stages/test_clean.py",
    "test_families.py", "generation/test_batch.py", "stages/test_score.py", "publishing/test_space.py",
    "app/pages/test_experiments.py", "evaluation/test_answers.py", "generation/engines/test_engine_cache.py",
    "stages/test_base.py", "cli/test_serve.py", "app/test_safety.py", "stages/test_export.py",
    "generation/engines/test_engines.py", "stages/test_answer_validity.py", "numerics/test_fix.py",
    "publishing/test_hub.py", "stages/test_parity.py", "test_planted_corpus.py",
    "evaluation/execution/test_verification.py", "core/test_survival.py", "stages/test_main.py",
)  # fmt: skip
"""Files that take longest. They run first, the longest of them at the beginning: one that began last would run alone."""


def order(items: list[pytest.Item], folder: Path) -> None:
    """Put the tests of the files in `FIRST` before all others. The order within a file stays.

    :param items: the collected tests.
    :param folder: the folder of all tests.
    """
    places = {str(folder / name): place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(str(item.path), len(places)))


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
