"""Each reason to reject a paraphrase, and paraphrases that pass."""

import pytest

from codetune.augmentation.verify import rejection

ORIGINAL = "Returns a list of `n` rows, not the first 3 of 'a b', for an hour."


@pytest.mark.parametrize(
    ("paraphrase", "reason"),
    [
        (ORIGINAL, "unchanged"),
        (ORIGINAL.replace(" a list", "  a  list"), "unchanged"),
        (ORIGINAL.replace("`n`", "`m`"), "protected_changed"),
        (ORIGINAL.replace("`n`", "n"), "protected_changed"),
        (ORIGINAL.replace("3", "4"), "protected_changed"),
        (ORIGINAL.replace("first", "last"), "protected_changed"),
        (ORIGINAL.replace("not ", ""), "protected_changed"),
        (ORIGINAL.replace("Returns", "Never returns"), "protected_changed"),
        (ORIGINAL.replace("'a b'", "'a c'"), "protected_changed"),
        (ORIGINAL.replace("'a b'", "of 3").replace("3 of", "'a b' of"), "protected_changed"),
        ("Gives back not the first 3 of 'a b', for an hour, but a list of `n` rows.", "protected_changed"),
        (ORIGINAL.replace("a list", "an list"), "wrong_article"),
        (ORIGINAL.replace("an hour", "a hour"), "wrong_article"),
        (ORIGINAL.replace("Returns", "Returns returns"), "repeated_word"),
        (ORIGINAL.replace("Returns", "Gives back "), "malformed"),
        (ORIGINAL.replace("rows,", "items ,"), "malformed"),
        (ORIGINAL.replace("Returns", "gives back"), "malformed"),
        (ORIGINAL.replace("rows, not", "rows. but not"), "malformed"),
        (ORIGINAL.replace("Returns", "Gives back"), None),
        (ORIGINAL.replace("a list of", "the list with"), None),
    ],
)
def test_reasons(paraphrase, reason):
    assert rejection(ORIGINAL, paraphrase) == reason


def test_faults_of_the_original_are_not_held_against_its_paraphrase():
    assert rejection("returns an list list of  `x`.", "gives back an list list of  `x`.") is None
