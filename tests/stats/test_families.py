"""The one procedure for intervals and p-values of several metrics."""

import numpy as np
import pytest
from sacrebleu.metrics import CHRF
from sacrebleu.significance import PairedTest
from scipy import stats

from codetune.stats.families import PERMUTATIONS, Settings, compare_family, compare_groups, pooled_spread
from codetune.stats.intervals import paired_interval, wilson_interval
from codetune.stats.significance import holm, mcnemar_p, permutation_p

SETTINGS = Settings(samples=500, confidence=0.95, seed=7)


def drawn(seed: int, shift: float, size: int = 40) -> tuple[list[float], list[float]]:
    generator = np.random.default_rng(seed)
    before = generator.random(size).round(6)
    return before.tolist(), (before + generator.normal(shift, 0.2, size)).round(6).tolist()


def test_a_family_is_corrected_over_what_differs():
    right = [float(value < 0.5) for value in drawn(3, 0.0)[0]]
    wrong = [0.0] * 40
    pairs = {"near": drawn(1, 0.12), "far": drawn(2, 0.02), "right": (wrong, right), "same": (right, right)}
    found = compare_family(pairs, SETTINGS)
    expected = holm([
        *(permutation_p(*pairs[name], samples=PERMUTATIONS, seed=7) for name in ("near", "far")),
        mcnemar_p(wrong, right),
    ])  # fmt: skip
    assert [found[name].p_value for name in ("near", "far", "right")] == expected
    assert (found["same"].p_value, found["same"].equal, found["near"].equal) == (1.0, True, False)
    assert found["near"].interval == paired_interval(*pairs["near"], samples=500, confidence=0.95, seed=7)
    assert compare_family({}, SETTINGS) == {}


def test_p_values_do_not_depend_on_the_resamples_of_intervals():
    pairs = {"near": drawn(1, 0.08)}
    few, many = (compare_family(pairs, Settings(samples))["near"] for samples in (100, 3000))
    assert few.p_value == many.p_value
    assert few.interval != many.interval


def test_the_interval_is_that_of_scipy():
    before, after = drawn(4, 0.1)
    found = compare_family({"m": (before, after)}, Settings(samples=20_000))["m"].interval
    expected = stats.bootstrap(
        (np.array(after) - np.array(before),), np.mean, n_resamples=20_000, method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.003)


def test_the_p_value_of_sentence_scores_is_near_that_of_sacrebleu():
    """Its approximate randomisation swaps the answers of both systems, which for mean scores is the same test."""
    generator = np.random.default_rng(5)
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    references = [" ".join(generator.choice(words, 6)) for _ in range(30)]
    # One answer of each pair is wrong in some letters; texts of one length weigh the same in the corpus.
    first, second = (
        ["".join("x" if letter != " " and generator.random() < share else letter for letter in text)
         for text in references]
        for share in (0.30, 0.36)
    )  # fmt: skip
    test = PairedTest(
        [("first", first), ("second", second)], {"chrF": CHRF()}, [references], test_type="ar", n_samples=2000
    )
    _, results = test()
    told = results[next(key for key in results if key.startswith("chrF"))]
    single = CHRF()
    pair = tuple(
        [
            single.sentence_score(answer, [reference]).score
            for answer, reference in zip(answers, references, strict=True)
        ]
        for answers in (first, second)
    )
    found = compare_family({"chrf": pair}, SETTINGS)["chrf"].p_value
    assert found == pytest.approx(told[1].p_value, abs=0.08)


def test_the_spread_is_cohens():
    before, after = drawn(6, 0.1)
    assert pooled_spread(before, after) == pytest.approx(np.sqrt((np.var(before, ddof=1) + np.var(after, ddof=1)) / 2))
    assert pooled_spread([1.0], [2.0]) is None


def test_groups_come_largest_gain_first_and_one_prompt_has_no_interval():
    found = compare_groups(["a", "b", "a", "c"], ([0.0] * 4, [0.1, 0.9, 0.3, 0.3]), SETTINGS)
    assert [(each.group, each.prompts, each.low is None) for each in found] == [
        ("b", 1, True), ("c", 1, True), ("a", 2, False),
    ]  # fmt: skip


@pytest.mark.parametrize(("right", "total"), [(0, 20), (20, 20), (7, 128), (60, 82)])
def test_the_interval_of_a_share_is_that_of_scipy(right, total):
    expected = stats.binomtest(right, total).proportion_ci(0.9, method="wilson")
    assert wilson_interval(right, total, 0.9) == pytest.approx((expected.low, expected.high))
