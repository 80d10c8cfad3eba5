"""Changes that leave what a program does, each where it finds something, and nowhere else."""

import ast

import pytest

from codetune.evaluation.validity.equivalents import KINDS, equivalents

SOURCE = """
def middle(values, low=0):
    total = 0
    found = []
    for value in values:   # one by one
        if value < low:
            total += value
        else:
            found.append(value)
    return found if total == 0 else sorted(found, key=lambda item: -item)
"""


def made(source):
    return equivalents(ast.parse(source))


def call(source, *arguments):
    namespace = {}
    exec(source, namespace)  # noqa: S102
    [function] = [value for name, value in namespace.items() if callable(value) and not name.startswith("_")]
    return function(*arguments)


def test_every_kind_does_the_same():
    found = made(SOURCE)
    assert set(found) == set(KINDS)
    assert len(set(found.values())) == len(KINDS)
    for source in found.values():
        for values in ([], [3, 1, 2], [-1, 5, 7], [0, -2, -2, 9]):
            assert call(source, values) == call(SOURCE, values)


def test_each_kind_changes_what_it_says():
    found = made(SOURCE)
    assert "# one by one" not in found["layout"]
    assert "v0 = 0" in found["names"]
    assert "def middle(values, low=0)" in found["names"]
    assert "if not value < low" in found["branches"]
    assert "if low > value" in found["comparisons"]
    assert found["order"].index("found = []") < found["order"].index("total = 0")


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    y = x\n    return locals()",
        "def f(x):\n    global y\n    y = x",
        "y = 1\ndef f(x):\n    y = 2\n    return x",
        "def f(x):\n    import os as y\n    y = 2\n    return y",
        "def f(x):\n    y = 1\n    return [lambda y: y]",
    ],
)
def test_names_that_others_see_are_kept(source):
    assert "names" not in made(source)


def test_new_names_are_free():
    found = made("def f(v0):\n    y = v1\n    return y + v0")["names"]
    assert found == "def f(v0):\n    v2 = v1\n    return v2 + v0"


@pytest.mark.parametrize(
    "body",
    [
        "a = 1\n    b = a",
        "a = b\n    b = 1",
        "a = 1\n    a = 2",
        "a = f()\n    b = 2",
        "a = 1\n    b.c = 2",
        "a = 1\n    b += 1",
    ],
)
def test_statements_that_depend_on_each_other_keep_their_order(body):
    assert "order" not in made(f"def f(b):\n    {body}\n    return a")


def test_what_finds_nothing_is_left_out():
    assert list(made("def f(x):\n    return x")) == ["layout"]


def test_chains_of_comparisons_stay():
    assert "comparisons" not in made("def f(x):\n    return 1 < x < 3")
