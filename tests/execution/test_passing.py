"""pass@k against its definition: the share of all draws of k answers that hold a right one."""

import itertools

import pytest

from codetune.execution.trials import mean_pass_at_k, pass_at_k


@pytest.mark.parametrize("answers", range(1, 7))
def test_estimate_is_the_share_of_draws_with_a_right_answer(answers):
    for correct in range(answers + 1):
        right = [place < correct for place in range(answers)]
        for k in range(1, answers + 1):
            draws = list(itertools.combinations(right, k))
            assert pass_at_k(answers, correct, k) == pytest.approx(sum(map(any, draws)) / len(draws))


@pytest.mark.parametrize(("answers", "correct", "k"), [(3, 1, 4), (3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_what_is_not_defined_is_refused(answers, correct, k):
    with pytest.raises(ValueError, match="is not defined"):
        pass_at_k(answers, correct, k)


def test_mean_is_over_problems():
    assert mean_pass_at_k([(2, 1), (4, 4)], 1) == pytest.approx(0.75)
    assert mean_pass_at_k([(2, 1), (4, 4)], 2) == pytest.approx(1.0)
    assert mean_pass_at_k([(2, 1), (4, 4)], 3) is None
    assert mean_pass_at_k([], 1) is None
