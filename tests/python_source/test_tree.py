"""Sources are parsed by the grammar of Python 3.11, to one depth, under every Python."""

import ast
import inspect
import random
import sys

import pytest

from codetune.python_source.fstrings import rejected_fstring
from codetune.python_source.tree import (
    MAX_DEPTH,
    MAX_WALKED,
    clean_docstring,
    docstring_of,
    dump_tree,
    may_be_refused,
    parse_tree,
)

NEWER = [
    "type X = int", "if a: type X[T] = int", "def f[T](a: T): pass", "class A[T]: pass", "def f[T = int](): pass",
    'f"{a["b"]}"', "f'{a[\"\\n\"]}'", "f'{x # said\n}'", "f'{a\n}'", "f'{a:{b:{c}}}'", "f'{*a}'", "f'{a !r }'",
    "f\"{f'{'a'}'}\"",
]  # fmt: skip
TAKEN = [
    "f'{a!r:>{w}}'", "f'{a[\"b\"]}'", "f'''{a['b']}{\n a\n}'''", "rf'\\d{a}'", "f'{{}}{a}}}'", "f'\\N{EM DASH}{a=}'",
    "f'{a != b}{a<b}{(lambda x: 1)}'", "f'{*a, b}'", "type(a)", "type = 1", "x = 'f\"{a[\"'",
    "f'{x:%H:%M}' f\"{'}'}\"", "# it's f\"{\n", "f'\\{6}'", "f'{\"\"}'",
]  # fmt: skip


@pytest.mark.parametrize("source", NEWER)
def test_what_python_3_11_refuses_is_refused(source):
    with pytest.raises(SyntaxError):
        parse_tree(source)
    if sys.version_info >= (3, 12):
        assert may_be_refused(source)


@pytest.mark.parametrize("source", TAKEN)
def test_what_python_3_11_takes_is_taken(source):
    assert parse_tree(source).body or source.startswith("#")
    assert rejected_fstring(source) is None
    assert not may_be_refused(source)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the parser of Python 3.11 is the measure")
def test_fstrings_are_refused_as_by_python_3_11():
    draw = random.Random(5)
    pieces = ["a", "{a}", "{", "}", "{{", "}}", "'", '"', "\\n", "\\", ":", "!r", "=", "!=", "#", "(", "]", "'x'", "f'{b}'", "*", "\n", "{a:{b}}", " "]  # fmt: skip
    for _ in range(3000):
        quotes = draw.choice(["'", '"', '"""'])
        source = (
            f"x = {draw.choice(['f', 'rF'])}{quotes}{''.join(draw.choices(pieces, k=draw.randrange(1, 8)))}{quotes}"
        )
        try:
            ast.parse(source)
        except SyntaxError as error:
            # The rest is refused by every Python.
            own = error.msg.startswith("f-string") and "syntax" not in error.msg
            assert rejected_fstring(source) or not own, repr(source)
        else:
            assert rejected_fstring(source) is None, repr(source)


@pytest.mark.parametrize(
    "deep", [lambda size: "+".join(["a"] * size), lambda size: "a" + ".b" * size, lambda size: "not " * size + "a",
             lambda size: "if a: b\n" + "elif a: b\n" * size]
)  # fmt: skip
def test_depth_has_one_limit(deep):
    parse_tree(deep(MAX_DEPTH - 10))
    assert may_be_refused(deep(MAX_DEPTH + 10))
    with pytest.raises(RecursionError):
        parse_tree(deep(MAX_DEPTH + 10))
    with pytest.raises(RecursionError):
        parse_tree(deep(MAX_WALKED + 1), MAX_WALKED)
    with pytest.raises(RecursionError):
        dump_tree(parse_tree(deep(MAX_WALKED + 1)))
    parse_tree(f"[{'a, ' * MAX_DEPTH}]", MAX_WALKED)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("One.\n\n    Two.\n      Three.\n    ", "One.\n\nTwo.\n  Three."),
        ("\n\tOne.\n", "One."),
        ("One.\n  \x0cTwo.\n   Three.", "One.\nTwo.\nThree."),
        ("", ""),
    ],
)
def test_docstrings_lose_their_margin(text, cleaned):
    assert clean_docstring(text) == cleaned
    assert docstring_of(ast.parse(f"def f():\n  {text!r}").body[0]) == cleaned
    if sys.version_info < (3, 13):
        assert inspect.cleandoc(text) == cleaned


@pytest.mark.parametrize("source", ["def f(): pass", "class A: 1", "a", ""])
def test_what_has_no_docstring_has_none(source):
    tree = ast.parse(source)
    assert docstring_of(tree.body[0] if tree.body else tree) is None
