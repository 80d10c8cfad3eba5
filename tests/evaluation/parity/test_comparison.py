"""Values computed by hand."""

import pytest

from codetune.evaluation.parity.comparison import first_difference, pass_figures, score_figures, token_figures
from codetune.evaluation.sandbox.trial import TestResult as Result
from tests.evaluation.metrics.conftest import changed

SCORE = changed(bootstrap_samples=200)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2], [1, 2], None), ([], [], None), ([1, 2], [3, 2], 1), ([1, 2, 3], [1, 2, 4], 3), ([1, 2], [1, 2, 3], 3),
        ([], [1], 1),
    ],
)  # fmt: skip
def test_the_first_difference(one, other, expected):
    assert first_difference(one, other) == first_difference(other, one) == expected


def test_tokens_are_compared():
    reference = [[1, 2, 3, 4]] * 10
    found = [[1, 2, 3, 4]] * 5 + [[0], [1, 0], [1, 2, 0], [1, 2, 3, 0], [1, 2, 3, 4, 5]]
    # Wilson's interval of 5 in 10 at 95 %: scipy.stats.binomtest(5, 10).proportion_ci(method="wilson").
    assert token_figures(reference, found, 0.95) == {
        "equal": {"count": 5, "share": 0.5, "low": 0.2366, "high": 0.7634},
        "first_difference": {"answers": 5, "median": 3.0, "quartile_1": 2.0, "quartile_3": 4.0},
    }
    assert token_figures(reference, reference, 0.95)["first_difference"] == {"answers": 0}
    one = token_figures([[1], [1]], [[1], [2]], 0.95)["first_difference"]
    assert one == {"answers": 1, "median": 1.0, "quartile_1": 1.0, "quartile_3": 1.0}


def test_a_difference_is_the_form_less_torch():
    found = score_figures([0.5, 0.5, 0.2], [0.5, 0.5, 0.5], SCORE)
    assert found["mean"] == 0.5
    assert found["difference"]["mean"] == 0.1
    assert found["difference"]["low"] == 0.0 < found["difference"]["high"]


def results(*passing):
    return {f"mine: {number}": Result("passed" if good else "assertion", "") for number, good in enumerate(passing)}


def test_passing_answers_are_compared_problem_by_problem():
    found = pass_figures(results(True, True, True, False), results(False, False, True, True), SCORE)
    assert (found["count"], found["share"]) == (2, 0.5)
    assert found["difference"]["mean"] == -0.25
    assert found["difference"]["p_value"] == 1.0  # McNemar: 1 gained, 2 lost
    assert (found["won"], found["lost"]) == (["mine: 3"], ["mine: 0", "mine: 1"])
