"""Whole groups, seeded, with several groups in each held-out split."""

from collections import Counter

import pytest

from codetune.data.clean.split import clusters, split_groups

SIZES = Counter({f"group{number}": 10 + number for number in range(40)} | {"huge": 500, "empty": 0})


def rows(splits, split):
    return sum(SIZES[group] for group, found in splits.items() if found == split)


def test_shares_are_reached_with_whole_groups():
    splits = split_groups(SIZES, 7, 0.1, 0.05)
    total = sum(SIZES.values())
    assert set(splits) == set(SIZES)
    assert 0.1 * total <= rows(splits, "test") < 0.1 * total + 50
    assert 0.05 * total <= rows(splits, "val") < 0.05 * total + 50
    assert splits["huge"] == "train"
    assert Counter(splits.values())["test"] >= 3


def test_same_seed_same_split_whatever_the_order():
    assert split_groups(SIZES, 7, 0.1, 0.05) == split_groups(Counter(dict(reversed(SIZES.items()))), 7, 0.1, 0.05)
    assert split_groups(SIZES, 7, 0.1, 0.05) != split_groups(SIZES, 8, 0.1, 0.05)


def test_few_large_groups_still_fill_every_split():
    splits = split_groups(Counter({"a": 100, "b": 90, "c": 80}), 7, 0.1, 0.1)
    assert sorted(splits.values()) == ["test", "train", "val"]
    assert splits["c"] == "test"


@pytest.mark.parametrize("seed", range(20))
def test_no_group_is_more_than_a_quarter_of_a_split(seed):
    splits = split_groups(SIZES, seed, 0.1, 0.05)
    for split, share in (("test", 0.1), ("val", 0.05)):
        assert max(SIZES[group] for group, found in splits.items() if found == split) <= share * sum(SIZES.values()) / 4


def test_held_out_groups_are_test_and_others_fill_what_is_left():
    splits = split_groups(SIZES, 7, 0.1, 0.05, frozenset({"group3", "huge"}))
    assert splits["group3"] == splits["huge"] == "test"
    assert Counter(splits.values())["test"] == 2, "the share is reached"
    few = split_groups(SIZES, 7, 0.1, 0.05, frozenset({"group3"}))
    assert 0.1 * sum(SIZES.values()) <= rows(few, "test") < 0.1 * sum(SIZES.values()) + 50


def test_groups_that_are_connected_in_a_chain_are_one_cluster():
    pairs = [("d", "c"), ("c", "b"), ("f", "e"), ("b", "a")]
    assert clusters("abcdefg", pairs) == {**dict.fromkeys("abcd", "a"), "e": "e", "f": "e", "g": "g"}
