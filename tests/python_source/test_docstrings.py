"""A docstring goes and nothing else does."""

import ast

import pytest

from codetune.python_source.docstrings import without_docstring


def removed(code):
    return without_docstring(code, ast.parse(code).body[0])


def test_the_lines_of_the_docstring_and_blank_ones_after_it_go():
    code = 'def f(x):\n    """Say.\n\n    More.\n    """  # noqa\n\n    # why\n    return x\n'
    assert removed(code) == "def f(x):\n    # why\n    return x"


@pytest.mark.parametrize(
    "code",
    [
        'def f(x): """Say."""; return x',
        'def f(x):\n    """Say."""; return x',
        # Places are counted in bytes, of which an umlaut has two: counted in letters, nothing would be left.
        'def f(x):\n    """Größen für größere Übergänge."""; x()',
    ],
)
def test_code_on_a_line_of_the_docstring_is_never_lost(code):
    assert removed(code) is None
