"""Duplicates name what they matched; similarity is true Jaccard."""

import random

import pytest

from codetune.data.clean.duplicates import Match, SimilarityRule, exact_duplicates, jaccard, near_duplicates, shingles
from codetune.data.clean.shingle_hashes import hashed

BASE = [f"t{number}" for number in range(60)]


def changed(*places: int) -> list[str]:
    return [f"u{index}" if index in places else token for index, token in enumerate(BASE)]


def likeness(rows: list[list[str]], threshold: float) -> SimilarityRule:
    return SimilarityRule([hashed(shingles(tokens)) for tokens in rows], threshold)


def near(rows: list[tuple[str, list[str]]], threshold: float) -> dict[str, Match]:
    return near_duplicates([row for row, _ in rows], likeness([tokens for _, tokens in rows], threshold))


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
    assert near(rows, 0.7) == {"b": Match("a", round(51 / 61, 4))}


def test_clusters_are_not_chained():
    rows = [("a", BASE), ("b", changed(30)), ("c", changed(30, 10, 50))]
    # Of 56 shingles one change touches 5: 51 / 61 from a to b, 46 / 66 from b to c, 41 / 71 from a to c.
    assert set(near(rows, 0.65)) == {"b"}, "c is similar to b, which was dropped, and not to a"
    assert set(near(rows[1:], 0.65)) == {"c"}


def test_rows_must_be_alike_in_every_way_and_the_first_is_named():
    first = likeness([BASE, changed(30), changed(50), changed(30)], 0.7)
    second = likeness([["x", "y"], ["x", "z"], ["x", "y"], ["x", "z"]], 0.5)
    # b is like a in the first way alone: it is kept, and d, which is nearest to it, is named with it.
    expected = {"c": Match("a", round(51 / 61, 4)), "d": Match("b", 1.0)}
    assert near_duplicates(list("abcd"), first, second) == expected
    assert set(near_duplicates(list("abcd"), first)) == {"b", "c", "d"}


def test_the_nearest_row_that_is_kept_is_named():
    rows = [("a", changed(10, 30)), ("b", changed(50)), ("c", BASE)]
    assert near(rows, 0.8) == {"c": Match("b", round(51 / 61, 4))}


@pytest.mark.parametrize("threshold", [0.01, 0.7, 1.0])
def test_rows_shorter_than_a_shingle_are_near_their_equals_alone(threshold):
    rows = [("a", ["return", "a"]), ("b", ["return", "b"]), ("c", ["return", "a"]), ("d", ["return", "a", "b"])]
    assert near(rows, threshold) == {"c": Match("a", 1.0)}


def test_no_rows_have_no_duplicates():
    assert near([], 0.7) == near([("a", BASE)], 0.7) == {}


def test_what_is_found_is_what_comparing_all_pairs_finds():
    rng = random.Random(7)
    rows = []
    for number in range(300):
        tokens = changed(*rng.sample(range(60), rng.randrange(6))) if number % 3 else rng.choices(BASE, k=60)
        rows.append((f"{number:03}", tokens))
    kept: dict[str, frozenset[str]] = {}
    expected = set()
    for row, tokens in rows:
        own = shingles(tokens)
        if any(jaccard(own, other) >= 0.7 for other in kept.values()):
            expected.add(row)
        else:
            kept[row] = own
    found = near(rows, 0.7)
    assert len(expected) > 50
    assert set(found) == expected
    assert all(match.id in kept and match.similarity >= 0.7 for match in found.values())
