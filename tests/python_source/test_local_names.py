"""Local variables are renamed, and nothing else."""

import ast

import pytest

from codetune.python_source.local_names import rename_locals


def renamed(source):
    return ast.unparse(rename_locals(ast.parse(source)))


def test_variables_are_numbered_as_they_come_up():
    source = "def f(x):\n    total = 0\n    for item in x:\n        total += item\n    return total"
    assert renamed(source) == "def f(x):\n    v0 = 0\n    for v1 in x:\n        v0 += v1\n    return v0"


def test_equal_programs_become_equal_texts():
    one = "def f(a):\n    first, *rest = a\n    return [r for r in rest if r != first]"
    other = (
        one.replace("first", "head")
        .replace("rest", "tail")
        .replace("[r for r in", "[e for e in")
        .replace("if r", "if e")
    )
    assert renamed(one) == renamed(other)
    assert renamed(renamed(one)) == renamed(one)


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    y = x\n    return locals()",
        "def f(x):\n    global y\n    y = x",
        "y = 1\n\ndef f(x):\n    y = 2\n    return x",
        "def f(x):\n    import os as y\n    y = 2\n    return y",
        "def f(x):\n    y = 1\n    return [lambda y: y]",
        "def f(x):\n    x = x + 1\n    return x.y",
        "def f(x):\n    try:\n        pass\n    except ValueError as y:\n        y = 1",
    ],
)
def test_names_that_others_see_are_kept(source):
    assert renamed(source) == source


def test_new_names_are_free():
    assert renamed("def f(v0):\n    y = v1\n    return y + v0") == "def f(v0):\n    v2 = v1\n    return v2 + v0"
