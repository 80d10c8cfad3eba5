"""Two functions are the same program when only names of their own, constants, annotations and layout differ."""

import textwrap

import pytest

from codetune.python_source.renaming import function_digests, renamed_tree

CODE = 'def f(x, *, key=1):\n    """Say."""\n    total = 0\n    for y in x:\n        total += y.size\n    return max(total, key)\n'


@pytest.mark.parametrize(
    "same",
    [
        CODE.replace("total", "result"),
        CODE.replace("y", "item").replace("keitem", "key"),
        CODE.replace("def f", "def g"),
        CODE.replace('    """Say."""\n', ""),
        CODE.replace("= 0", "= 7"),
        CODE.replace("x, *", "x: list[int], *").replace("):", ") -> int:"),
        CODE.replace("    total = 0", "    # from zero\n    total  =  0"),
    ],
)
def test_same(same):
    assert renamed_tree(same) == renamed_tree(CODE)


@pytest.mark.parametrize(
    "other",
    [
        CODE.replace("max", "min"),
        CODE.replace(".size", ".length"),
        CODE.replace("+=", "-="),
        CODE.replace("= 0", "= ''"),
        CODE.replace("= 0", "= None"),
        CODE.replace("(total, key)", "(key, total)"),
        CODE.replace("def f", "async def f"),
        CODE.replace("def f", "@cached\ndef f"),
        CODE.replace("return max", "yield max"),
    ],
)
def test_different(other):
    assert other != CODE
    assert renamed_tree(other) != renamed_tree(CODE)


def test_true_is_no_other_constant():
    assert renamed_tree("def f():\n    return True") != renamed_tree("def f():\n    return False")


PAGE = "def f(title):\n    head = '<title>{}</title>, and no more'.format(title)\n    return head + 'end'\n"


def test_long_texts_stay_unless_they_are_messages():
    assert renamed_tree(PAGE) == renamed_tree(PAGE.replace("'end'", "'END'"))
    assert renamed_tree(PAGE) != renamed_tree(PAGE.replace("no more", "a link"))
    for line in ("raise ValueError('expected a mapping of names')", "assert a, 'expected a mapping of names'"):
        refused = f"def f(a):\n    {line}\n"
        assert renamed_tree(refused) == renamed_tree(refused.replace("mapping", "table"))


def test_handlers_and_inner_functions_are_renamed():
    first = (
        "def f():\n    def g(a): return a\n    try:\n        return g(1)\n    except E as e:\n        raise F from e\n"
    )
    second = (
        "def h():\n    def i(b): return b\n    try:\n        return i(2)\n    except E as x:\n        raise F from x\n"
    )
    assert renamed_tree(first) == renamed_tree(second)
    assert renamed_tree(first) != renamed_tree(first.replace("E as", "G as"))


@pytest.mark.parametrize("broken", ["def f(:", "\x00", "(" * 500 + ")" * 500])
def test_what_does_not_parse_has_no_tree(broken):
    assert renamed_tree(broken) is None


WHOLE = "def f(x, low):\n    found = [y for y in x if y.size > low]\n    return sorted(found), len(found)\n"


@pytest.mark.parametrize(
    "form",
    [
        WHOLE.replace("def", "async def"),
        WHOLE.replace("low)", "low=3)"),
        WHOLE.replace("x, low", "x, /, *, low: int = 3"),
        WHOLE.replace("found =", "found: list[Any] ="),
        "@cache\n" + WHOLE,
        "class A:\n" + textwrap.indent(WHOLE.replace("(x", "(this, x"), "    "),
        "class A:\n    @staticmethod\n" + textwrap.indent(WHOLE, "    "),
        "class A:\n    @classmethod\n" + textwrap.indent(WHOLE.replace("(x", "(kind, x"), "    "),
        "def outer():\n" + textwrap.indent(WHOLE, "    "),
    ],
)
def test_a_function_has_the_same_digest_in_every_form(form):
    assert form != WHOLE
    assert set(function_digests(WHOLE)) <= set(function_digests(form))


def test_another_function_has_another_digest():
    assert function_digests(WHOLE) != function_digests(WHOLE.replace(">", "<"))
    assert function_digests(WHOLE) != function_digests(WHOLE.replace("(x", "(self, x"))
