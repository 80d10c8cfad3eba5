"""Candidates are duplicates by their fingerprints, which hold no text."""

import pickle

import pytest

from codetune.data.clean.filters import judge
from codetune.data.clean.fingerprint import words
from codetune.data.clean.pairs import judge_row
from codetune.data.clean.shingle_hashes import jaccards
from tests.data.clean.test_filters import CODE, PARAMS, row


def mark(**changes):
    return judge(row(**changes), PARAMS).fingerprint


@pytest.mark.parametrize(
    ("changes", "equal"),
    [
        ({"code": CODE.replace("# begin", "")}, {"tree", "renamed", "instruction"}),
        ({"code": CODE.replace("value ", "each ")}, {"instruction"}),
        ({"code": CODE.replace("result", "sum_")}, {"renamed", "instruction"}),
        ({"docstring": "Return all the sum of values."}, {"tree", "renamed"}),
        ({"qualname": "Sum.count"}, {"tree", "renamed"}),
    ],
)
def test_digests_are_equal_where_duplicates_are(changes, equal):
    first, second = mark(), mark(**changes)
    for key in ("tree", "renamed", "instruction"):
        assert (getattr(first, key) == getattr(second, key)) == (key in equal), key
        assert len(getattr(first, key)) == 16


def test_the_frame_of_instructions_is_not_compared():
    first = mark()
    second = mark(
        code=CODE.replace("total(self, values)", "load(self, path)"), qualname="File.load", docstring="Load it all."
    )
    assert jaccards(first.wording, [second.wording]) == 0


def test_signs_are_words():
    assert words("Whether `a_1` == B.") == ["whether", "`", "a_1", "`", "=", "=", "b", "."]


def test_text_is_not_compared_by_its_instruction_alone():
    pair = {"kind": "pair", "license": "MIT", "instruction": "Good morning to you", "completion": "Guten Morgen"}
    assert judge_row(pair, PARAMS.model_copy(update={"task": "text"})).fingerprint.wording.size == 0
    code = pair | {"completion": "def add(a, b):\n    total = a + b\n    return total"}
    assert judge_row(code, PARAMS).fingerprint.wording.size == 2, "3-grams of 4 words"


def test_a_fingerprint_is_small():
    candidate = judge(row(), PARAMS)
    assert len(pickle.dumps(candidate.fingerprint)) < 1000
