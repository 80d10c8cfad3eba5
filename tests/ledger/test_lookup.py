"""Rows are found by whatever a person has at hand."""

import pytest

from codetune.core.errors import UserError
from codetune.ledger.ledger import LEDGER_PATH, read_ledger
from codetune.ledger.lookup import find, nearest
from tests.ledger.conftest import OLD_COLUMNS, ROWS, write_ledger


@pytest.fixture
def ledger(project):
    return read_ledger(project / LEDGER_PATH)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("aaaa000000000002", [1]),
        ("cccc", [3]),
        ("dddd", [4, 5]),
        ("ccc", []),  # three digits are too few to mean an id
        ("lark/core.py", [0, 1]),
        ("core.py", [0, 1, 2]),
        ("deep/core.py", [2]),
        ("./lark/deep/core.py", [2]),
        ("/venv/lib/site-packages/lark/deep/core.py", [2]),
        ("lark\\deep\\core.py", [2]),
        ("ore.py", []),  # the end of a path is whole folders and files
        ("lark/core.py:10", [0]),
        ("lark/core.py:20", [0]),
        ("lark/core.py:30-120", [1]),
        ("lark/core.py:75:4", [1]),
        ("deep/other.py:load_all", [3]),
        ("core.py::Forest.load", [2]),
        ("core.py:load_all", []),
        ("Tree.load", [0]),
        ("load", [0, 2]),
        ("oad", []),
        ("sing", [4]),
        ("", []),
        ("no such thing", []),
    ],
)
def test_find(ledger, query, places):
    assert find(ledger, query) == places


def test_a_line_between_functions_names_the_nearest_one(ledger):
    with pytest.raises(UserError, match=r"of lark/core.py contains line 27. The nearest is Tree.dump, lines 30 to 120"):
        find(ledger, "lark/core.py:27")


def test_an_older_ledger_has_no_lines(project):
    write_ledger(project / LEDGER_PATH, ROWS, OLD_COLUMNS)
    ledger = read_ledger(project / LEDGER_PATH)
    assert find(ledger, "Forest.load") == [2]
    with pytest.raises(UserError, match="older format, without line numbers"):
        find(ledger, "lark/core.py:10")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Tree.laod", ["Tree.load"]),
        ("sign", ["sing"]),
        ("deep/cor.py:3", ["deep/core.py"]),
        ("zzzzzzzz", []),
    ],
)
def test_nearest_names_have_the_shape_of_the_query(ledger, query, names):
    assert nearest(ledger, query)[:1] == names
