"""Documented functions are found exactly as written."""

import pytest

from codetune.ingestion.functions import documented_functions, parse, row_id

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


@pytest.mark.parametrize("text", ["def f(:", "x = '\0'", "print 'two'", "(" * 5000])
def test_what_cannot_be_parsed_is_none(text):
    assert parse(text) is None


def test_row_id_is_content_and_place():
    ids = {
        row_id("p", "a.py", "f", "code", 0),
        row_id("q", "a.py", "f", "code", 0),
        row_id("p", "a.py", "f", "code", 1),
    }
    assert len(ids) == 3
    assert all(len(identity) == 16 for identity in ids)
