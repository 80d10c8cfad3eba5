"""No pair with the asked Jaccard is missed, and what rows have in common by their frame makes no candidates."""

import random

import numpy as np
import pytest

from codetune.data.clean import prefix_filter
from codetune.data.clean.prefix_filter import PrefixIndex
from codetune.data.clean.shingle_hashes import jaccards


def as_set(numbers):
    # Mixed, for hashes have all of their bits: else the order of rarity would be that of the numbers.
    return np.unique(np.array([number * 0x9E3779B97F4A7C15 % 2**64 for number in numbers], np.uint64))


def all_candidates(sets, threshold):
    index = PrefixIndex(sets, threshold)
    found = {}
    for row in range(len(sets)):
        others = index.candidates(row).tolist()
        assert bool(others) <= bool(index.cost(row))
        assert others == sorted(set(others))
        assert all(other < row for other in others)
        found[row] = others
        index.add(row)
    return found


def similar_sets(rng, count):
    """Sets of all sizes, many of them another one with some numbers taken away and added, around a few frames."""
    frames = [range(1000 * each, 1000 * each + size) for each, size in enumerate((5, 20, 60), start=1)]
    sets = []
    for number in range(count):
        if sets and rng.random() < 0.1:
            sets.append(rng.choice(sets))
        elif sets and rng.random() < 0.6:
            origin = rng.choice(sets)
            kept = rng.sample(sorted(origin), rng.randint(max(1, len(origin) // 2), len(origin)))
            sets.append({*kept, *(10_000 + 100 * number + each for each in range(rng.randint(0, 1 + len(kept) // 3)))})
        else:
            own = range(10_000 + 100 * number, 10_000 + 100 * number + rng.randint(1, 40))
            sets.append({*own, *rng.choice([(), *frames])})
    return [as_set(each) for each in sets]


@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("slots", [1, 1 << 16])
def test_every_pair_is_among_the_candidates(monkeypatch, threshold, slots):
    monkeypatch.setattr(prefix_filter, "_LEAST_SLOTS", slots)
    monkeypatch.setattr(prefix_filter, "_MOST_SLOTS", slots)
    sets = similar_sets(random.Random(5), 250)
    found = all_candidates(sets, threshold)
    pairs = 0
    for row in range(1, len(sets)):
        similar = np.flatnonzero(jaccards(sets[row], sets[:row]) >= threshold).tolist()
        assert set(similar) <= set(found[row])
        pairs += len(similar)
    assert pairs > 10


@pytest.mark.parametrize("share", [0.3, 0.5, 0.66, 0.75, 0.8])
def test_a_frame_makes_no_candidates_and_no_work(share):
    # Below 14 in 17 a frame alone is no Jaccard of 0.7.
    frame, sizes = range(50), [round(50 / share) + extra for extra in (0, 1, 2)]
    sets = [as_set([*frame, *range(1000 * row, 1000 * row + sizes[row % 3] - 50)]) for row in range(1, 400)]
    index = PrefixIndex(sets, 0.7)
    for row in range(len(sets)):
        assert index.cost(row) == 0
        index.add(row)
    assert jaccards(sets[0], sets[3:4])[0] == pytest.approx(share / (2 - share), abs=0.02)


def test_only_rows_that_were_added_are_found():
    sets = [as_set(range(90))] * 4
    index = PrefixIndex(sets, 0.7)
    assert index.cost(1) == 0
    index.add(0)
    assert index.candidates(1).tolist() == [0]
    index.add(2)
    assert index.candidates(3).tolist() == [0, 2]


def test_blocks_do_not_show(monkeypatch):
    sets = similar_sets(random.Random(6), 100)
    whole = all_candidates(sets, 0.7)
    assert any(whole.values())
    monkeypatch.setattr(prefix_filter, "_BLOCK_ROWS", 7)
    assert all_candidates(sets, 0.7) == whole
    assert all_candidates([], 0.7) == {}
