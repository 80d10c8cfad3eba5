"""Where a phrase of the table is found, and where its words mean something else."""

import pytest

from codetune.data.augment.phrases import all_phrases
from codetune.data.augment.places import PlaceFinder

FUNCTION = "Write a Python function `f` with parameter `x`. "
METHOD = "Write a Python method `m` of class `C` with parameters `x` and `y`. "
PROPERTY = "Write a Python property `p` of class `C`. "


@pytest.fixture(scope="module")
def finder(table):
    return PlaceFinder(all_phrases(table))


def found(finder, text):
    return [text[place.start : place.end] for place in finder.places(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the opening
        (FUNCTION + "See below.", ["Write a Python function", "with parameter"]),
        (METHOD + "See below.", ["Write a Python method", "of class", "with parameters"]),
        ("Write an asynchronous Python class method `m` of class `C`. See.",
         ["Write an asynchronous Python class method", "of class"]),
        ("Tell me: write a Python function `f`. Return the rows.", ["Return"]),
        # the first sentence, with the full stop before it
        (FUNCTION + "Returns the rows.", ["Write a Python function", "with parameter", ". Returns"]),
        (METHOD + "Decode the rows.", ["Write a Python method", "of class", "with parameters", ". Decode"]),
        (PROPERTY + "The height of the tree.", ["Write a Python property", "of class", ". The"]),
        (PROPERTY + "The tree is cached.", ["Write a Python property", "of class"]),
        (FUNCTION + "The height of the tree.", ["Write a Python function", "with parameter"]),
        (FUNCTION + "Whether the file is there.", ["Write a Python function", "with parameter", ". Whether"]),
    ],
)  # fmt: skip
def test_frames(finder, text, expected):
    assert found(finder, text) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        # verbs by form and place
        ("Parsed. Returns the rows.", ["Returns"]),
        ("Used to compute the sum.", ["compute"]),
        ("It opens the file and returns a list.", ["returns"]),
        ("Made by removing the tail.", ["removing"]),
        ("Works out the sum.", ["Works out"]),
        # nouns that look like verbs
        ("Parsed. Return code of the process.", []),
        ("Parsed. Sorts of fruit are kept apart.", []),
        ("The check and return are logged.", []),
        ("Parsed. Check for errors.", []),
        ("Asked to return it.", []),
        ("Ready to run through.", []),
        ("Used to create it.", []),
        # what would end with a preposition keeps its object
        ("Used to use the rows.", ["use"]),
        ("Used to remove and close the rows.", []),
        # the longest phrase wins
        ("Used to check whether the file is open.", ["check whether"]),
        # nouns, adjectives, phrases
        ("Holds a dictionary.", ["a dictionary"]),
        ("Holds the given dictionaries.", ["given", "dictionaries"]),
        ("Text given to the parser.", []),
        ("Text is given.", []),
        ("A tree given N inputs.", []),
        ("Holds unique values.", ["unique"]),
        ("Holds unique key values.", []),
        ("The most specific name.", []),
        ("It is English specific.", []),
        ("Based on the name.", []),
        ("A choice based on the name.", ["based on"]),
        ("Empty if given a list.", []),
        ("The value, if given.", ["if given"]),
        ("A token, which is short.", []),
        ("A token which is short.", ["which is"]),
        ("The HTTP-specific part.", []),
        ("The `x`containing part.", []),
        ("The keys, e.g. of maps.", ["e.g."]),
        # protected words are out of reach
        ('The word "dictionary" and `given`.', []),
        ("Do not, as well as `x`.", ["as well as"]),
        ("As well_as `x`.", []),
    ],
)
def test_sentences(finder, sentence, expected):
    assert found(finder, f"Some words come first. {sentence}") == expected


def test_a_lead_that_goes_on_with_the_sentence_is_for_short_openings(finder):
    def alternatives(text):
        return finder.places(text)[-1].phrase.alternatives

    long = "Write a Python function `f` with parameters `a`, `b`, `c` and `d`. Decode the rows."
    assert " to decode" in alternatives(FUNCTION + "Decode the rows.")
    assert " to decode" not in alternatives(long)
    assert ". The function should decode" in alternatives(long)
    assert ". The method should decode" in alternatives(METHOD + "Decode the rows.")
