"""Tokens are those of the `tokenize` module of Python 3.11, which cut f-strings up since."""

import io
import random
import sys
import sysconfig
import tokenize
from pathlib import Path

import pytest

from codetune.python_source.tokens import lexical_tokens

STDLIB = Path(sysconfig.get_path("stdlib"))
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
only_3_11 = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the module of Python 3.11 is the measure")


@pytest.mark.parametrize(
    ("code", "tokens"),
    [
        ('f"{a!r:>{w}} {b}" + rf"\\d"', ['f"{a!r:>{w}} {b}"', "+", 'rf"\\d"']),
        ("x = f'''a\n{b}\n'''  # said\n", ["x", "=", "f'''a\n{b}\n'''"]),
        ("if a:\n\tb\n        c\nd\n", ["if", "a", ":", "b", "c", "d"]),
        ("a = (1_0.5e-3j,\n  0xF, .5, 1..real)", [*"a=(", "1_0.5e-3j", ",", "0xF", ",", ".5", ",", "1.", ".", "real", ")"]),
        ("a\\\n  **= ...", ["a", "**=", "..."]),
        ("a = 'one\\\ntwo'", ["a", "=", "'one\\\ntwo'"]),
        ("a <> b", ["a", "<", ">", "b"]),
        ("a $ b", ["a", " ", "$", "b"]),
        ("say 'so", ["say", " ", "'", "so"]),
        ("été = B'x' rB'''y'''", ["été", "=", "B'x'", "rB'''y'''"]),
        ("", []),
    ],
)  # fmt: skip
def test_tokens(code, tokens):
    assert list(lexical_tokens(code)) == tokens


@pytest.mark.parametrize("code", ["(a", "a)\n", "'''a", "a \\\n", "x = 'a\\\n", "if a:\n    b\n  c\n"])
def test_what_ends_too_early_is_refused(code):
    with pytest.raises(SyntaxError):
        lexical_tokens(code)


def stdlib_tokens(code):
    found = tokenize.generate_tokens(io.StringIO(code).readline)
    return tuple(token.string for token in found if token.type not in LAYOUT)


@only_3_11
@pytest.mark.parametrize("name", ["ast.py", "tokenize.py", "typing.py", "json/decoder.py", "test/test_grammar.py"])
def test_sources_are_cut_as_python_3_11_cuts_them(name):
    path = STDLIB / name
    if not path.is_file():
        pytest.skip(f"this Python has no {name}")
    code = path.read_text()
    assert lexical_tokens(code) == stdlib_tokens(code)


def outcome(cut, code):
    try:
        return cut(code)
    except (SyntaxError, tokenize.TokenError):
        return "refused"


@only_3_11
def test_broken_sources_are_cut_as_python_3_11_cuts_them():
    draw = random.Random(3)
    pieces = ["a", " ", "\t", "\f", "\n", "\r", "\r\n", "\\\n", "\\", "'", '"', '"""', "f'", "(", "]", "#", "é", "²", "$", "1", "0x", ".", "_", "!=", "!"]  # fmt: skip
    for _ in range(3000):
        code = "".join(draw.choices(pieces, k=draw.randrange(1, 9)))
        assert outcome(lexical_tokens, code) == outcome(stdlib_tokens, code), repr(code)
