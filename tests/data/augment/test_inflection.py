"""Forms of English words, against a dictionary's."""

import pytest

from codetune.data.augment.inflection import article, capitalized, gerund, plural, third_person


@pytest.mark.parametrize(
    ("base", "third", "ing"),
    [
        ("return", "returns", "returning"),
        ("work out", "works out", "working out"),
        ("fetch", "fetches", "fetching"),
        ("pass", "passes", "passing"),
        ("fix", "fixes", "fixing"),
        ("go through", "goes through", "going through"),
        ("try to", "tries to", "trying to"),
        ("copy", "copies", "copying"),
        ("employ", "employs", "employing"),
        ("set up", "sets up", "setting up"),
        ("get rid of", "gets rid of", "getting rid of"),
        ("spot", "spots", "spotting"),
        ("format", "formats", "formatting"),
        ("add", "adds", "adding"),
        ("make sure that", "makes sure that", "making sure that"),
        ("see if", "sees if", "seeing if"),
        ("free", "frees", "freeing"),
    ],
)
def test_verbs(base, third, ing):
    assert (third_person(base), gerund(base)) == (third, ing)


@pytest.mark.parametrize(
    ("singular", "several"),
    [("dict", "dicts"), ("regex", "regexes"), ("directory", "directories"), ("key", "keys"), ("class", "classes")],
)
def test_plural(singular, several):
    assert plural(singular) == several


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("list", "a"), ("integer", "an"), ("asynchronous", "an"), ("extra", "an"), ("hour", "an"), ("host", "a"),
        ("unique", "a"), ("user", "a"), ("used", "a"), ("utility", "a"), ("one-way", "a"), ("unimportant", "an"),
        ("ordered", "an"), ("Python", "a"),
    ],
)  # fmt: skip
def test_article(word, expected):
    assert article(word) == expected


def test_capital_leaves_other_letters():
    assert capitalized("in Python, write") == "In Python, write"
