"""Instructions as people write them: all that is known is told, in words that vary by row."""

import pytest

from codetune.data.clean.documentation import read_documentation
from codetune.data.clean.examples import Example
from codetune.data.clean.instruction import plain_text
from codetune.data.clean.request import RequiredParts, contains_code, request
from codetune.python_source.tree import parse_tree

CODE = """def clamp(value: int, low: int = 0, *, strict=False) -> int:
    if strict and value < low:
        raise ValueError(value)
    return max(low, value)
"""
DOCSTRING = """Return the value, but no less than the lower bound.

    :param value: The value to be bounded.
    :param strict: Whether a smaller value is an error.
    :returns: The larger one of the two.
    :raises ValueError: if the value is too small.
    """
NOTHING = RequiredParts()
SHOWN = [Example("clamp(-3)", "0", decides=True)]


def asked(seed, code=CODE, docstring=DOCSTRING, shown=SHOWN, needed=NOTHING):
    (node,) = parse_tree(code).body
    return request(seed, node, read_documentation(docstring), shown, needed)


@pytest.mark.parametrize("seed", range(40))
def test_everything_that_is_known_is_told(seed):
    text = asked(seed)
    assert text.startswith("Return the value, but no less than the lower bound.")
    for told in (
        "clamp",
        "value",
        "low",
        "strict",
        "low",
        "ValueError",
        "if the value is too small",
        "clamp(-3)",
        "Python",
    ):
        assert told in text
    assert "alue to be bounded" in text
    assert text == asked(seed)


def test_the_wording_varies_by_row():
    assert len({asked(seed) for seed in range(100)}) > 40
    assert len({asked(seed).partition("bound.")[2].strip()[:20] for seed in range(100)}) >= 5
    assert {"int" in asked(seed) for seed in range(30)} == {True, False}


@pytest.mark.parametrize("seed", range(20))
def test_kinds_of_functions_are_told(seed):
    assert "asynchronous" in asked(seed, "async def f(x):\n    return x\n") or "coroutine" in asked(
        seed, "async def f(x):\n    return x\n"
    )
    generated = asked(seed, "def f(x):\n    yield x\n", "Give the values of x.", [])
    assert "generator" in generated or "one at a time" in generated
    told = asked(
        seed,
        "def f(x):\n    raise OwnError(x)\n    return 1\n",
        "Give the x.",
        [],
        RequiredParts({"OwnError": "KeyError"}, ["numpy"]),
    )
    assert "`OwnError`" in told
    assert "`KeyError`" in told
    assert "`numpy`" in told


@pytest.mark.parametrize("seed", range(30))
def test_what_two_parameters_have_in_common_is_told_once(seed):
    docstring = "Return whether they are near.\n\n:param a: one of both points\n:param b: one of both points\n:param far: Maximal distance."
    text = asked(seed, "def near(a, b, far):\n    return abs(a - b) < far\n", docstring, shown=[])
    assert text.count("one of both points") == 1
    assert "`far` is maximal" not in text
    assert ": maximal distance" in text.lower()


@pytest.mark.parametrize("seed", range(30))
def test_what_comes_back_is_told_in_a_sentence(seed):
    text = asked(
        seed, "def f(x):\n    return x > 1\n", "Compare.\n\n:returns: if the number is larger than one", shown=[]
    )
    assert "eturn whether the number" in text or "returns whether the number" in text or "is whether the number" in text


def test_emphasis_becomes_code():
    assert plain_text("Return *value* or **other**, but 2 * x * y.") == "Return `value` or `other`, but 2 * x * y."


def test_a_small_first_letter_becomes_a_capital():
    assert asked(1, docstring="give the value back, bounded.").startswith("Give the value")
    assert asked(1, docstring="`x` is bounded by the others.").startswith("`x` is")


def test_a_line_of_the_answer_is_noticed():
    assert contains_code("Do return max(low, value) always.", CODE)
    assert not contains_code("Return the larger one.", CODE)
