"""Duplicates name what they matched; similarity is true Jaccard."""

import pytest

from codetune.cleaning.duplicates import Match, exact_duplicates, jaccard, near_duplicates, shingles

BASE = [f"t{number}" for number in range(60)]


def changed(*places: int) -> list[str]:
    return [f"u{index}" if index in places else token for index, token in enumerate(BASE)]


def test_exact_duplicates_match_the_first():
    assert exact_duplicates([("a", "x"), ("b", "y"), ("c", "x")]) == {"c": Match("a", 1.0)}


@pytest.mark.parametrize(
    ("left", "right", "expected"), [("abc", "abc", 1.0), ("ab", "bc", 1 / 3), ("a", "b", 0.0), ("", "", 0.0)]
)
def test_jaccard(left, right, expected):
    assert jaccard(frozenset(left), frozenset(right)) == pytest.approx(expected)


def test_shingles_of_a_short_function_are_the_whole():
    assert shingles(["a", "b"]) == {"a\x1fb"}
    assert len(shingles(BASE)) == 56


def test_near_duplicates_are_verified():
    # One token changed in the middle touches 5 of 56 shingles: Jaccard 51 / 61.
    rows = [("a", BASE), ("b", changed(30)), ("c", changed(5, 15, 25, 35, 45)), ("d", [f"v{n}" for n in range(60)])]
    found = near_duplicates(iter(rows), len(rows), 0.7)
    assert found == {"b": Match("a", round(51 / 61, 4))}


def test_clusters_are_not_chained():
    rows = [("a", BASE), ("b", changed(30)), ("c", changed(30, 10, 50))]
    found = near_duplicates(iter(rows), len(rows), 0.75)
    assert set(found) == {"b"}, "c is similar to b, which was dropped, and not to a"
