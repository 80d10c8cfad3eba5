import math
from typing import Any

import pytest

from codetune.evaluation.metrics.statistics import gain_by_package, gains, mean_gain
from codetune.stats.significance import detectable_difference, holm, mcnemar_p, permutation_p
from tests.evaluation.metrics.conftest import changed

GAINS = [0.12, -0.05, 0.31, 0.02, 0.0, 0.18, -0.11, 0.27, 0.09, 0.04, 0.22, -0.02, 0.15, 0.08, -0.07, 0.33, 0.05, 0.11,
         0.19, 0.01]  # fmt: skip


def rows(gains: list[float], group: str = "g") -> list[dict[str, Any]]:
    return [
        {"id": f"{group}{place}", "group": group, "base": {"f1": place / 100}, "tuned": {"f1": place / 100 + gain}}
        for place, gain in enumerate(gains)
    ]


def test_the_interval_equals_that_of_scipy():
    # scipy.stats.bootstrap((GAINS,), numpy.mean, n_resamples=200_000, method="percentile"), scipy 1.17.1,
    # with seeds 1 and 2: 0.0435 to 0.1505. 50,000 resamples here leave an error of about 0.0005.
    found = mean_gain(rows(GAINS), "f1", changed(bootstrap_samples=50_000))
    assert found["mean"] == pytest.approx(0.096, abs=1e-9)
    assert found["low"] == pytest.approx(0.0435, abs=0.001)
    assert found["high"] == pytest.approx(0.1505, abs=0.001)


@pytest.mark.parametrize(("confidence", "z"), [(0.8, 1.2816), (0.95, 1.96)])
def test_the_interval_of_many_prompts_is_the_normal_one(confidence, z):
    many = GAINS * 20
    found = mean_gain(rows(many), "f1", changed(bootstrap_samples=5000, confidence=confidence))
    error = math.sqrt(sum((gain - 0.096) ** 2 for gain in many)) / len(many)
    assert found["low"] == pytest.approx(0.096 - z * error, abs=0.1 * error)
    assert found["high"] == pytest.approx(0.096 + z * error, abs=0.1 * error)


def test_base_and_tuned_are_taken_in_pairs():
    # Every prompt gains the same, however much the prompts differ: there is nothing uncertain.
    assert mean_gain(rows([0.25] * 30), "f1", changed()) == {"mean": 0.25, "low": 0.25, "high": 0.25}


def test_packages_come_largest_gain_first_and_one_prompt_has_no_interval():
    found = gain_by_package(rows([0.1, 0.3], "b") + rows([0.7], "c") + rows([0.2, 0.2], "a"), "f1", changed())
    assert [(item["package"], item["prompts"], item["gain"]) for item in found] == [
        ("c", 1, 0.7), ("a", 2, 0.2), ("b", 2, 0.2),
    ]  # fmt: skip
    assert (found[0]["low"], found[0]["high"]) == (None, None)
    assert (found[1]["low"], found[1]["high"]) == (0.2, 0.2)
    # Means of two draws from two prompts: 0.1 and 0.3 each with chance 1/4.
    assert (found[2]["low"], found[2]["high"]) == (0.1, 0.3)


def test_a_gain_has_the_p_value_of_its_test_corrected_for_all_of_them():
    both = rows(GAINS)
    for place, row in enumerate(both):
        row["base"]["right"], row["tuned"]["right"] = float(place % 5 == 0), float(place % 3 > 0)
    found = gains(both, ["f1", "right"], changed(bootstrap_samples=2000))  # of which p-values do not depend
    pairs = [tuple([row[role][key] for row in both] for role in ("base", "tuned")) for key in ("f1", "right")]
    expected = holm([permutation_p(*pairs[0], samples=10_000, seed=7), mcnemar_p(*pairs[1])])
    assert [gain["p_value"] for gain in found] == pytest.approx(expected, abs=1e-6)
    assert 0 < found[0]["p_value"] < found[1]["p_value"] < 1
    assert found[0]["detectable"] == pytest.approx(detectable_difference(*pairs[0], 0.95), abs=1e-6)
    assert {key: found[0][key] for key in ("mean", "low", "high")} == mean_gain(
        both, "f1", changed(bootstrap_samples=2000)
    )


def test_a_small_p_value_is_stored_as_it_is():
    both = [{"id": str(place), "group": "g", "base": {"right": 0}, "tuned": {"right": 1}} for place in range(100)]
    [found] = gains(both, ["right"], changed(bootstrap_samples=200))
    assert found["p_value"] == pytest.approx(2.0**-99, rel=1e-5)
