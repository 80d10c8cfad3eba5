"""What is protected, and that masking loses nothing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codetune.data.augment.protection import MASK, masked, protected_spans, protected_texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Return the rows of the table.", []),
        # examples
        ("Give it:\n>>> f('the rows')\nthe rows of a table\n\nOr else.", [">>> f('the rows')\nthe rows of a table"]),
        # identifiers
        ("Return `G` and `source_node`.", ["`G`", "`source_node`"]),
        ("The `slice`s of ``numpy.array`` objects.", ["`slice`", "s", "``numpy.array``"]),
        ("Wait for max_items to pass.", ["max_items"]),
        ("Use self.assertEqual, then stop.", ["self.assertEqual"]),
        ("Call os.walk() or walk(top, down) twice.", ["os.walk()", "walk(top, down)", "twice"]),
        ("A getChild of a HoVerNet.", ["getChild", "HoVerNet"]),
        ("Dump it as JSON to a URL.", ["JSON", "URL"]),
        ("See L{IProtocol.dataReceived} and C{x}.", ["L{IProtocol.dataReceived}", "C{x}"]),
        ("Trim *text* to the limit of **kwargs.", ["*text*", "**kwargs"]),
        ("Read /etc/hosts, C:\\temp and notes.txt here.", ["/etc/hosts", "C:\\temp", "notes.txt"]),
        ("Fetch https://x.org/a?b=c and mail a.b@x.org now.", ["https://x.org/a?b=c", "a.b@x.org"]),
        ("Set key=value, the --verbose flag and [a, b].", ["key=value", "--verbose", "[a, b]"]),
        ("Files that end in .py are read.", [".py"]),
        ("The n-th root of x along the x-axis.", ["n-th", "x", "x-axis"]),
        ("A list of Field instances from Django.", ["Field", "Django"]),
        # numbers
        ("At 3.5, -1 or 1e-4 of a 2D grid, base64.", ["3.5", "-1", "1e-4", "2D", "base64"]),
        ("The first of two items, once.", ["first", "two", "once"]),
        # quoted text
        ("Either \"give back\" or 'work out' the user's part.", ['"give back"', "'work out'"]),
        ("Between “curly” quotes.", ["“curly”"]),
        # negation
        ("Do not stop; never, without, unless or none.", ["not", "never", "without", "unless", "none"]),
        ("It doesn't and can't and cannot; no non-empty one.", ["doesn't", "can't", "cannot", "no", "non", "one"]),
        ("Nothing except None, only True.", ["Nothing", "except", "None", "only", "True"]),
        # ordinary words
        ("A pair, e.g. of keys, i.e. names.", []),
        ("In Python this is a list.", []),
    ],
)
def test_table(text, expected):
    assert protected_texts(text) == expected


def test_names_of_parameters_are_protected_as_plain_words():
    text = "Write a Python function `copy` with parameters `source` and `to`. Copy the source to 3 lists."
    assert protected_texts(text) == ["`copy`", "`source`", "`to`", "source", "3"]


def test_the_name_that_is_asked_for_is_an_ordinary_word():
    assert "copy" not in protected_texts("Write a Python function `copy`. It should copy the list.")


@given(st.text())
def test_masking_keeps_length_and_everything_else(text):
    shadow = masked(text)
    inside = {offset for start, end in protected_spans(text) for offset in range(start, end)}
    assert len(shadow) == len(text)
    assert all(shadow[at] == (MASK if at in inside else char) for at, char in enumerate(text))


@given(st.text())
def test_spans_are_in_order_and_apart(text):
    spans = protected_spans(text)
    assert all(start < end for start, end in spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))
