"""What is taken of a docstring, in each style, and what is left out since it is about something else."""

import pytest

from codetune.data.clean.documentation import is_vague, read_documentation, words_told

GOOGLE = """Return the sum of the values.

    It is rounded to two digits.

    Args:
        values (list[int]): The values to add. Any order will do.
        *more: More values.

    Returns:
        float: The rounded sum.

    Raises:
        ValueError: If there is no value.
    """
NUMPY = """Return the sum of the values.

    Parameters
    ----------
    values : list of int, optional
        The values to add.

    Returns
    -------
    float
        The rounded sum.
    """
SPHINX = """Return the sum of the values.

    :param values: The values to add.
    :type values: list
    :returns: The rounded sum.
    :raises ValueError: if there is no value.
    """
EPYDOC = """Return the sum of the C{values}.

    @param values: The values to add.
    @return: The rounded sum.
    """


@pytest.mark.parametrize(
    ("docstring", "kind", "raises"),
    [
        (GOOGLE, "list[int]", (("ValueError", "If there is no value."),)),
        (NUMPY, "list of int", ()),
        (SPHINX, "list", (("ValueError", "if there is no value."),)),
        (EPYDOC, "", ()),
    ],
    ids=["google", "numpy", "sphinx", "epydoc"],
)
def test_parts_in_every_style(docstring, kind, raises):
    found = read_documentation(docstring)
    assert found.summary.replace("`", "") == "Return the sum of the values."
    assert found.parameters["values"] == (kind, "The values to add.")
    assert found.returns[1] == "The rounded sum."
    assert found.raises == raises


def test_second_paragraph_is_taken_where_it_is_prose():
    assert read_documentation(GOOGLE).details == "It is rounded to two digits."
    for rest in (
        ":param x: The value.",
        "@param x: The value.",
        "- one\n- two",
        ">>> f(1)",
        "Examples\n--------",
        "As in:",
    ):
        assert read_documentation(f"Return the sum.\n\n{rest}").details == "", rest


@pytest.mark.parametrize(
    "sentence",
    [
        "It is a helper for this class.",
        "See the module for more.",
        "Used by the parser.",
        "Added in version 1.2.",
        "The table below says why.",
        "Adapted from another project.",
        "The docs at https://example.org tell more.",
    ],
)
def test_what_is_about_something_else_is_cut(sentence):
    assert read_documentation(f"Return the sum of the values. {sentence}").summary == "Return the sum of the values."


@pytest.mark.parametrize(
    ("summary", "vague"),
    [
        ("Return the sum of the values.", False),
        ("Helper for the sum.", True),
        ("Wrapper around sum.", True),
        ("Same as the builtin.", True),
        ("Args: x: the value to sum.", True),
        ("Reverts what was performed by the other.", True),
        ("Like `sum` but for texts.", True),
        ("Return what it would look like.", False),
    ],
)
def test_vague_summaries(summary, vague):
    assert is_vague(summary) is vague


def test_words_are_counted_over_all_parts():
    found = read_documentation(GOOGLE)
    assert words_told(found) == 6 + 6 + 4 + 2 + 3 + 5
