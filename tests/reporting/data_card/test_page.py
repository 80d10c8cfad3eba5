"""The sentence of the data card on reviews."""

import pytest

from codetune.reporting.data_card.page import _reviews


@pytest.mark.parametrize(
    ("reviews", "sentence"),
    [
        ({"read": 5, "completed": 2, "unread": 0}, " Reviewers read all of these, and added"),
        ({"read": 5, "completed": 2, "unread": 3}, " Reviewers read all of these except **3**, and added"),
        ({"read": 0, "completed": 0, "unread": 3}, ""),
        ({}, ""),
    ],
)
def test_reviews(reviews, sentence):
    found = _reviews({"reviews": reviews})
    assert found.startswith(sentence)
    assert bool(found) == bool(sentence)
