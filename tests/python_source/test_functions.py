"""Documented functions are found exactly as written."""

import pytest

from codetune.python_source.functions import documented_functions, functions_or_reason, parse, parse_or_reason, row_id

SOURCE = '''\
import os

@decorated
def first(a, b=None, *rest, key: int = 3, **options):
    """Add a and b."""
    def inner():
        """Not a row of its own."""
    return a

def silent(): return 1

class Outer:
    class Inner:
        async def method(self):
            """Answer."""
            return 42

if os.name:
    def conditional(): "Documented."
'''


def test_functions_of_modules_classes_and_branches():
    found = list(documented_functions(SOURCE, parse(SOURCE)))
    assert [function.qualname for function in found] == ["first", "Outer.Inner.method", "conditional"]
    first, method, _ = found
    assert (first.kind, method.kind) == ("function", "method")
    assert first.signature == "first(a, b=None, *rest, key: int=3, **options)"
    assert (first.start_line, first.end_line) == (3, 8)
    assert first.code == "\n".join(SOURCE.split("\n")[2:8])
    assert method.code.startswith("        async def")
    assert method.docstring == "Answer."


BLOCKS = {
    "if a:\n": "else:\n", "try:\n    a\n": "except E:\n", "try:\n    b\n": "except* E:\n", "with a:\n": "",
    "match a:\n  case 1:\n    b\n": "  case 2:\n", "for a in b:\n": "else:\n", "while a:\n": "else:\n",
    "async def g():\n    pass\nclass A:\n  try:\n    a\n": "  finally:\n",
}  # fmt: skip


@pytest.mark.parametrize(("first", "last"), BLOCKS.items())
def test_functions_of_all_blocks_are_found(first, last):
    function = 'def f(x):\n        "Say."\n        return x\n'
    source = f"{first}    {function}{last and f'{last}    {function}'}"
    found = list(functions_or_reason(source))
    assert [each.code for each in found] == [f"    {function.rstrip()}"] * source.count("def f")
    assert {each.qualname for each in found} <= {"f", "A.f"}


def test_a_chain_of_a_thousand_branches_is_walked():
    chain = "if a:\n    pass\n" + "elif a:\n    pass\n" * 1000 + 'else:\n    def f():\n        "Say."\n'
    assert [each.qualname for each in functions_or_reason(chain)] == ["f"]


@pytest.mark.parametrize("decorator", ["@mark", "@(\n  mark\n)", "@ (  # @so\n\n  mark(1)\n)\n@other", "@\\\nmark"])
def test_a_decorated_function_begins_at_the_sign(decorator):
    code = f'{decorator}\ndef f():\n    "Say."'
    (function,) = functions_or_reason(f"a = (b @\n c)\n{code}\n")
    assert (function.code, function.start_line) == (code, 3)


@pytest.mark.parametrize(
    "body",
    [
        ' "Said."', "\n  'Said.'", '\n\n # A comment: with a colon.\n\n  # And another.\n  r"Said."', ' \\\nu"Said."',
        '\n    ((\n # inside\n "Said."))', "\n" * 500 + '  """Said."""', "\n" + "#:\n" * 300 + " ('''Said.''')",
    ],
)  # fmt: skip
@pytest.mark.parametrize("head", ["def f(a: int, b=':') -> {'a': 1}[\n'a']:", "async def f(\n  a,\n  ):"])
def test_no_docstring_is_overlooked(head, body):
    (function,) = functions_or_reason(head + body)
    assert (function.docstring, function.code) == ("Said.", head + body)


@pytest.mark.parametrize(
    "source", ["x = 1\n", "def f(): return 'a'\n", "class A:\n    'Said.'\n    x = {'a': 'b'}\n", ""]
)
def test_a_source_without_documented_functions_has_none(source):
    assert list(functions_or_reason(source)) == []


def test_a_file_of_nothing_but_comments_is_no_trap():
    assert list(functions_or_reason("def f():\n    return 1\n" + "#:\n" * 100_000)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def f(:", "syntax_error"),
        ("x = '\0'", "null_byte"),
        ("print 'two'", "python_2"),
        ("exec code", "python_2"),
        ("try:\n    f()\nexcept OSError, error:\n    pass", "python_2"),
        ("raise ValueError, 'text'", "python_2"),
        ("if a <> b: pass", "python_2"),
        ("mode = 0755", "python_2"),
        ("many = 10L", "python_2"),
        ("shown = `value`", "python_2"),
        ("type Point = tuple[int, int]", "newer_syntax"),
        ("def first[T](items: list[T]) -> T: ...", "newer_syntax"),
        ("class Box[T]: ...", "newer_syntax"),
        ("x = f'{chr(10).join(items) + \"\\n\"}'", "newer_syntax"),
        ("x = t'{name}'", "newer_syntax"),
        ("(" * 5000, "too_deep"),
        ("x = " + "-" * 100_000 + "1", "too_deep"),
        ("x = " + "+".join(["1"] * 100_000), "too_deep"),
        ("x = a" + ".b" * 100_000, "too_deep"),
    ],
)
def test_refusals_are_told_apart(text, reason):
    assert parse_or_reason(text) == reason


def test_a_long_line_is_no_obstacle():
    text = f"x = [{'1, ' * 400_000}]\n{SOURCE}"
    assert len(list(documented_functions(text, parse(text)))) == 3


def test_a_default_too_deep_to_print_costs_its_signature_alone():
    text = f'def f(a={"{1: " * 190}0{"}" * 190}):\n    """Return a."""\n    return a\n'
    (function,) = documented_functions(text, parse(text))
    assert function.signature == "f(...)"


def test_row_id_is_content_and_place():
    ids = {
        row_id("p", "a.py", "f", "code", 0),
        row_id("q", "a.py", "f", "code", 0),
        row_id("p", "a.py", "f", "code", 1),
    }
    assert len(ids) == 3
    assert all(len(identity) == 16 for identity in ids)
