"""Trees are written as Python 3.11 writes them."""

import ast
import random
import sys

import pytest

from codetune.python_source.writing import unparse


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("f'{a}'", "f'{a}'"),
        ("""f'{a["b"]}'""", """f"{a['b']}\""""),
        ("""f'{a["b"]}"'""", """f'''{a['b']}\"'''"""),
        ("""f"{a['b']}\\n" """, """f"{a['b']}\\n\""""),
        ("""f"{f'{a}'}" """, """f"{f'{a}'}\""""),
        ("f'{(a if b else c)}'", "f'{(a if b else c)}'"),
        ("f'{ {1: 2} }'", "f'{ {1: 2}}'"),
        ("f'{a!r:>{w}}{{'", "f'{a!r:>{w}}{{'"),
        ("f'{a=}'", "f'a={a!r}'"),
        ("f'''a\n{b}'''", "f'a\\n{b}'"),
        ("x = f'{a}' 'b' + 'c'", "x = f'{a}b' + 'c'"),
        ("f'{u\"a\"}'", "f\"{u'a'}\""),
        ("f''", "f''"),
    ],
)
def test_fstrings(source, written):
    tree = ast.parse(source)
    before = ast.dump(tree)
    assert unparse(tree) == written
    assert ast.dump(tree) == before
    if sys.version_info < (3, 12):
        assert ast.unparse(tree) == written


def test_a_field_that_needs_a_backslash_cannot_be_written():
    tree = ast.parse("f'{a}'")
    tree.body[0].value.values[0].value = ast.Constant("\x00")
    with pytest.raises(ValueError, match="backslash"):
        unparse(tree)


@pytest.mark.skipif(
    not (3, 11, 7) <= sys.version_info < (3, 12),
    reason="`ast.unparse` of Python 3.11 is the measure; that of 3.11.2 repeats quotes in nested f-strings",
)
def test_fstrings_are_written_as_by_python_3_11():
    draw = random.Random(5)
    texts = ["a", "'", '"', "\n", "\t", "\\", "{", "'''", '"""', "\x00", "é", ""]

    def drawn(depth):
        values = []
        for _ in range(draw.randrange(4)):
            text = ast.Constant("".join(draw.choices(texts, k=draw.randrange(3))))
            inner = draw.choice([ast.Name("n"), text, ast.Lambda(ast.arguments([], [], None, [], [], None, []), text)])
            inner = drawn(depth - 1) if depth and draw.random() < 0.3 else inner
            spec = ast.JoinedStr([ast.Constant(">3")]) if draw.random() < 0.3 else None
            values.append(draw.choice([text, ast.FormattedValue(inner, draw.choice([-1, 114]), spec)]))
        return ast.JoinedStr(values)

    for _ in range(2000):
        tree = drawn(2)
        try:
            wanted = ast.unparse(tree)
        except ValueError:
            with pytest.raises(ValueError, match="backslash"):
                unparse(tree)
        else:
            assert unparse(tree) == wanted
