"""Hashed sets have the Jaccard of the sets."""

import pytest

from codetune.data.clean.duplicates import jaccard
from codetune.data.clean.shingle_hashes import hashed, jaccards

SETS = [frozenset(text) for text in ("abc", "bcd", "xyz", "a", "abcdefgh")]


def test_hashes_are_the_same_everywhere():
    # From rensa 0.5.0: a hash that differs between machines or processes would make sets that have nothing in common.
    assert hashed(frozenset({"a\x1fb", "c"})).tolist() == [10799700693015899271, 12098161106675100611]


@pytest.mark.parametrize("own", SETS)
def test_jaccard_of_hashes_is_that_of_sets(own):
    found = jaccards(hashed(own), [hashed(other) for other in SETS])
    assert found.tolist() == [jaccard(own, other) for other in SETS]
