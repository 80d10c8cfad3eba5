"""What two instructions are compared by."""

import pytest

from codetune.data.augment.descriptions import descriptions, opening_end

OPENING = "Write a Python method `m` of class `C` with parameters `x` and `y`. "


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (OPENING + "Sort `x`.", "Sort `x`."),
        ("Write an async Python function `f`. Sort it.", "Sort it."),
        ("Write a Python class method `m` of class `C`. Sort it.", "Sort it."),
        (OPENING, ""),
        (OPENING.strip(), ""),
        ("Write a program that sorts. Use `x`.", "Write a program that sorts. Use `x`."),
        ("Write a Python function `f` that sorts. Then stop.", "Write a Python function `f` that sorts. Then stop."),
        ("", ""),
    ],
)
def test_opening_ends_before_the_description(text, rest):
    assert text[opening_end(text) :] == rest


@pytest.mark.parametrize(
    ("original", "paraphrase", "compared"),
    [
        (OPENING + "Sort the rows.",
         "Can you write a method `m` in class `C` taking `x` and `y`? It should order the rows.",
         ("Sort the rows.", "Order the rows.")),
        (OPENING + "Sorts the rows.", "Method `m` of class `C` with arguments `x` and `y`. This method sorts the rows.",
         ("Sorts the rows.", "Sorts the rows.")),
        (OPENING + "Sort the rows.", "Method `m` of class `C` with arguments `x` and `y` to sort the rows.",
         ("Sort the rows.", "Sort the rows.")),
        (OPENING + "The rows of it.", "Method `m` of class `C` with `x` and `y`. It should return the rows of it.",
         ("The rows of it.", "The rows of it.")),
        # without an opening all is compared, and a verb of the original stays
        ("Return the rows of `x`.", "It should return the rows of `x`.",
         ("Return the rows of `x`.", "Return the rows of `x`.")),
        ("", "", ("", "")),
    ],
)  # fmt: skip
def test_frames_and_names_are_left_out(original, paraphrase, compared):
    assert descriptions(original, paraphrase) == compared
