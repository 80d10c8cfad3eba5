"""Code is moved to another margin, and its strings are not."""

import textwrap

import pytest

from codetune.python_source.indentation import dedented, indented

METHOD = '''\
    @marked(
  "so",
    )
    def page(self, rows):
        """Say.

        More.
        """
        head = """
    <html>
  \t
<title>""" + 'a\\
        b'
# once:  head = None
\t
      # and this
        return [
    head,
rows]'''
BARE = '''\
@marked(
"so",
)
def page(self, rows):
    """Say.

        More.
        """
    head = """
    <html>
  \t
<title>""" + 'a\\
        b'
# once:  head = None

  # and this
    return [
head,
rows]'''


def test_the_margin_of_statements_goes_and_strings_stay():
    assert dedented(METHOD) == BARE
    assert dedented(BARE) == BARE


def test_a_margin_is_put_before_all_but_strings_and_blank_lines():
    assert indented('a = """\nb\n"""\n\nc\n', "  ") == '  a = """\nb\n"""\n\n  c\n'
    assert indented("say 'so\n(", "  ") == "  say 'so\n  ("


@pytest.mark.parametrize(
    "code",
    [
        "", "\n", "  \n", "a\n  \n", "  a\n    b", "    a\n  b\n", "    a\nb", "\ta\n\t\tb\n", "  a\n \tb", "  # a\n  b",
        "\n\n    def f(x):\n\n        return x\n", "  (a\n  b", "  it's so\n  then", "  a\r\n  b\r\n", "  if a:\n    b\n  c",
    ],
)  # fmt: skip
def test_without_strings_of_several_lines_it_is_as_textwrap_has_it(code):
    assert dedented(code) == textwrap.dedent(code)


def test_python_counts_the_indentation_again_after_a_form_feed():
    method = '    def f(self):\n        a = """a\f\n\f  b"""\n\f        return a\n'
    function = 'def f(self):\n    a = """a\f\n\f  b"""\n\f    return a\n'
    assert dedented(method) == function
    assert indented(function, "    ") == method
