"""Each reason to reject a paraphrase, and paraphrases that pass."""

from typing import get_args

import pytest

from codetune.data.augment.verify import Reason, rejection, shared_words

ORIGINAL = "Returns a list of `n` rows, not the first 3 of 'a b', for an hour."
ORDERED = "It returns at least the last row before all others, in ascending order."

CASES = [
    (ORIGINAL, ORIGINAL, "unchanged"),
    (ORIGINAL, ORIGINAL.replace(" a list", "  a  list"), "unchanged"),
    # names, numbers, quoted text, negation: in their order
    (ORIGINAL, ORIGINAL.replace("`n`", "`m`"), "protected_changed"),
    (ORIGINAL, ORIGINAL.replace("`n`", "n"), "protected_changed"),
    (ORIGINAL, ORIGINAL.replace("3", "4"), "protected_changed"),
    (ORIGINAL, ORIGINAL.replace("first", "last"), "protected_changed"),
    (ORIGINAL, ORIGINAL.replace("not ", ""), "protected_changed"),
    (ORIGINAL, ORIGINAL.replace("Returns", "Never returns"), "protected_changed"),
    (ORIGINAL, ORIGINAL.replace("'a b'", "'a c'"), "protected_changed"),
    (ORIGINAL, ORIGINAL.replace("'a b'", "of 3").replace("3 of", "'a b' of"), "protected_changed"),
    (ORIGINAL, "Gives back not the first 3 of 'a b', for an hour, but a list of `n` rows.", "protected_changed"),
    # what compares
    (ORDERED, ORDERED.replace("at least", "at most"), "comparative_changed"),
    (ORDERED, ORDERED.replace("at least ", ""), "comparative_changed"),
    (ORDERED, ORDERED.replace("last", "next"), "comparative_changed"),
    (ORDERED, ORDERED.replace("before", "after"), "comparative_changed"),
    (ORDERED, ORDERED.replace("all others", "each other"), "comparative_changed"),
    (ORDERED, ORDERED.replace("ascending", "descending"), "comparative_changed"),
    (ORDERED, "It returns the last row before all others at least, in ascending order.", "comparative_changed"),
    # grammar
    (ORIGINAL, ORIGINAL.replace("a list", "an list"), "wrong_article"),
    (ORIGINAL, ORIGINAL.replace("an hour", "a hour"), "wrong_article"),
    (ORDERED, ORDERED.replace("It returns", "It return"), "wrong_agreement"),
    (ORDERED, ORDERED.replace("It returns", "It should returns"), "wrong_agreement"),
    ("The rows are sorted.", "The rows is ordered.", "wrong_agreement"),
    ("It is sorted.", "It are ordered.", "wrong_agreement"),
    ("Reads an element of it.", "Reads an elements of it.", "wrong_agreement"),
    ("Joins several rows.", "Joins several row.", "wrong_agreement"),
    (ORIGINAL, ORIGINAL.replace("Returns", "Returns returns"), "repeated_word"),
    (ORIGINAL, ORIGINAL.replace("Returns", "Gives back "), "malformed"),
    (ORIGINAL, ORIGINAL.replace("rows,", "items ,"), "malformed"),
    (ORIGINAL, ORIGINAL.replace("Returns", "gives back"), "malformed"),
    (ORIGINAL, ORIGINAL.replace("rows, not", "rows. but not"), "malformed"),
    # one of nine words is another
    (ORIGINAL, ORIGINAL.replace("Returns", "Yields"), "too_similar"),
    (ORIGINAL, ORIGINAL.replace("rows", "items").replace("Returns", "Gives back"), None),
    (ORDERED, "It should return at least the last row before all others, sorted in ascending order.", None),
    ("Sorts rows.", "Have it return rows.", None),
]


@pytest.mark.parametrize(("original", "paraphrase", "reason"), CASES)
def test_reasons(original, paraphrase, reason):
    assert rejection(original, paraphrase, max_shared_words=0.85) == reason


def test_every_reason_has_a_case():
    assert {reason for _, _, reason in CASES} == {*get_args(Reason), None}


def test_faults_of_the_original_are_not_held_against_its_paraphrase():
    assert rejection("returns an list list of  `x`.", "gives back an list list of  `x`.") is None
    assert rejection("It return the rows is sorted.", "It return the rows is in order.") is None


@pytest.mark.parametrize(
    ("original", "paraphrase", "share"),
    [
        ("Sort the rows.", "Sort the rows.", 1.0),
        ("Sort the rows.", "The rows: sort.", 1.0),  # order does not count
        ("Sort the rows.", "Order the rows.", 2 / 3),
        ("Sort the rows.", "Please sort the rows of it.", 3 / 6),
        ("Sort `the` rows by 3.", "Sort `a` rows by 4.", 1.0),  # nor does what is protected
        ("`x`", "`x`", 1.0),
    ],
)
def test_shared_words(original, paraphrase, share):
    assert shared_words(original, paraphrase) == pytest.approx(share)
