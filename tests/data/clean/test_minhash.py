"""Hashed sets have the Jaccard of the sets, and sets that are similar share a bucket."""

import numpy as np
import pytest

from codetune.data.clean.duplicates import jaccard
from codetune.data.clean.minhash import candidates, hashed, jaccards

SETS = [frozenset(text) for text in ("abc", "bcd", "xyz", "a", "abcdefgh")]


def numbers(first: int, last: int) -> frozenset[str]:
    return frozenset(map(str, range(first, last)))


def test_hashes_are_the_same_everywhere():
    # From rensa 0.5.0: another hash would find other candidates, and so may change the data.
    assert hashed(frozenset({"a\x1fb", "c"})).tolist() == [10799700693015899271, 12098161106675100611]


@pytest.mark.parametrize("own", SETS)
def test_jaccard_of_hashes_is_that_of_sets(own):
    found = jaccards(hashed(own), [hashed(other) for other in SETS])
    assert found.tolist() == [jaccard(own, other) for other in SETS]


def found(sets, kept=None):
    kept = np.ones(len(sets), np.bool_) if kept is None else kept
    return {row: others.tolist() for row, others in candidates(sets, kept)}


def test_similar_sets_are_candidates_and_others_are_not():
    sets = [hashed(each) for each in (numbers(0, 90), numbers(500, 600), numbers(5, 95), numbers(0, 90))]
    assert found(sets) == {2: [0], 3: [0, 2]}


def test_rows_that_are_not_kept_are_no_candidates():
    sets = [hashed(numbers(0, 90))] * 4
    kept = np.ones(4, np.bool_)
    for row, others in candidates(sets, kept):
        assert others.tolist() == [0]
        kept[row] = False
    assert found(sets, np.array([False, True, True, True])) == {2: [1], 3: [1, 2]}


def test_in_a_crowd_one_bucket_in_common_is_not_enough(monkeypatch):
    # Jaccard 0.33: one pair in four shares a bucket, one in thirty two.
    sets = [hashed(numbers(0, 40) | numbers(1000 * row, 1000 * row + 40)) for row in range(1, 60)]
    sets.append(sets[0])
    few = found(sets)
    monkeypatch.setattr("codetune.data.clean.minhash._CROWD", 3)
    fewer = found(sets)
    assert sum(map(len, fewer.values())) < sum(map(len, few.values())) / 3
    assert 0 in fewer[59], "what is equal shares all buckets"
    assert all(set(others) <= set(few[row]) for row, others in fewer.items())


def test_blocks_do_not_show(monkeypatch):
    sets = [hashed(numbers(start, start + 40)) for start in range(50)]
    whole = found(sets)
    assert list(whole) == sorted(whole)
    monkeypatch.setattr("codetune.data.clean.minhash._BLOCK_ROWS", 7)
    assert found(sets) == whole
    assert found([]) == {}
