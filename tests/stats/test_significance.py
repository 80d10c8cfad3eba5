"""Paired tests against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from codetune.stats.significance import (
    detectable_difference,
    holm,
    mcnemar_p,
    paired_p_value,
    paired_p_values,
    permutation_p,
)


def draw(seed: int, size: int, shift: float) -> tuple[list[float], list[float]]:
    generator = np.random.default_rng(seed)
    before = generator.random(size)
    return before.tolist(), (before + generator.normal(shift, 0.3, size)).tolist()


@pytest.mark.parametrize(("seed", "shift"), [(1, 0.0), (2, 0.05), (3, 0.1), (4, -0.08)])
def test_the_permutation_test_is_that_of_scipy(seed, shift):
    before, after = draw(seed, 60, shift)
    expected = stats.permutation_test(
        (np.array(after), np.array(before)), lambda x, y: np.mean(x - y), permutation_type="samples",
        vectorized=False, n_resamples=4999, rng=np.random.default_rng(7),
    )  # fmt: skip
    assert permutation_p(before, after, samples=20_000, seed=7) == pytest.approx(expected.pvalue, abs=0.015)


def test_small_sets_are_exact_up_to_the_draw():
    # Of 2^4 choices of signs two give a sum as far from zero.
    assert permutation_p([0.0] * 4, [1.0] * 4, samples=50_000, seed=7) == pytest.approx(2 / 16, abs=0.005)
    assert permutation_p([0.5] * 9, [0.5] * 9, samples=100, seed=7) == 1


@pytest.mark.parametrize("portion", [50 * 64, 1 << 22])
def test_neither_portions_nor_other_metrics_change_anything(monkeypatch, portion):
    right = [float(value < 0.5) for value in draw(5, 50, 0.1)[0]]
    pairs = [draw(5, 50, 0.1), (right, right[::-1]), draw(6, 50, 0.0), ([0.5] * 50, [0.5] * 50)]
    alone = [paired_p_value(*pair, samples=1000, seed=7) for pair in pairs]
    assert alone[0] == permutation_p(*pairs[0], samples=1000, seed=7) != alone[2]
    assert (alone[1], alone[3]) == (mcnemar_p(*pairs[1]), 1.0)
    monkeypatch.setattr("codetune.stats.significance._PORTION", portion)
    monkeypatch.setattr("codetune.stats.significance._KEPT", 0)
    assert paired_p_values(pairs, samples=1000, seed=7) == alone
    assert paired_p_values([], samples=1000, seed=7) == []


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (5, 5), (12, 3), (3, 12), (40, 20), (1, 0)])
def test_mcnemar_is_the_binomial_test_of_scipy(gained, lost):
    before = [0.0] * gained + [1.0] * lost + [1.0, 0.0]
    after = [1.0] * gained + [0.0] * lost + [1.0, 0.0]
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar_p(before, after) == pytest.approx(expected)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_detectable_difference_is_detected_in_four_of_five_cases():
    before, after = draw(6, 400, 0.0)
    least = detectable_difference(before, after, 0.95)
    spread = np.std(np.array(after) - np.array(before), ddof=1)
    assert least == pytest.approx((1.959964 + 0.841621) * spread / 20, rel=1e-4)
    assert detectable_difference([0.1] * 5, [0.2] * 5, 0.95) == 0


@pytest.mark.parametrize(
    "call", [lambda a, b: permutation_p(a, b, samples=9, seed=1), lambda a, b: detectable_difference(a, b, 0.9)]
)
def test_lists_must_fit(call):
    for pair in (([], []), ([1.0], [1.0, 2.0])):
        with pytest.raises(ValueError, match="two lists of the same length"):
            call(*pair)


@pytest.mark.parametrize("moved", [10, 2000, 20_000])
def test_no_test_says_0(moved):
    values = [mcnemar_p([0.0] * moved, [1.0] * moved), permutation_p([0.1] * moved, [0.9] * moved, samples=100, seed=7)]
    assert 0 < values[0] <= 2**-9
    assert values[1] == pytest.approx(1 / 101, abs=1e-3 if moved > 10 else 0.05)
    assert min(holm(values)) > 0
