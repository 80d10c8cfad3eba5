from __future__ import annotations

import random

import pytest

from codetune.intervals import paired_interval
from codetune.revisions.intervals import BootstrapSettings
from codetune.revisions.tested import PERMUTATIONS, paired_tests
from codetune.significance import paired_p


@pytest.mark.parametrize("size", [1, 7, 60, 900])  # the last are drawn in several portions
@pytest.mark.parametrize("settings", [BootstrapSettings(), BootstrapSettings(samples=300, confidence=0.9, seed=3)])
def test_all_at_once_is_as_one_by_one(size: int, settings: BootstrapSettings) -> None:
    draw = random.Random(size)
    before = [draw.random() for _ in range(size)]
    right = [float(draw.random() < 0.5) for _ in range(size)]
    pairs = [(before, [value + draw.gauss(0.01 * shift, 0.1) for value in before]) for shift in range(4)]
    pairs += [(right, [float(draw.random() < 0.7) for _ in range(size)]), (before, list(before))]
    for found, (old, new) in zip(paired_tests(pairs, settings), pairs, strict=True):
        assert found.p_value == paired_p(old, new, samples=PERMUTATIONS, seed=settings.seed)
        assert found.interval == paired_interval(
            old, new, samples=settings.samples, confidence=settings.confidence, seed=settings.seed
        )


def test_nothing_to_test_is_no_error() -> None:
    assert paired_tests([], BootstrapSettings()) == []
