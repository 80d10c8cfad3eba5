"""Bytes of any kind become text, or are counted by reason."""

from collections import Counter

import pytest

from codetune.data.ingest.decoding import decode, read_source


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"x = 1\r\ny = 2\r", "x = 1\ny = 2\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        ("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"), "# -*- coding: latin-1 -*-\nx = 'é'\n"),
        ("#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '€'\n".encode("cp1252"), "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '€'\n"),
        (b"", ""),
        ("x = 'é'\n".encode("latin-1"), None),
        ("x = 1\n".encode("utf-16"), None),
        (b"# coding: nonsense\n", None),
        (b"# coding: rot13\n", None),
        (b"# coding: undefined\n", None),
        (b"# coding: unicode_escape\nx = '\\ud800'\n", None),
        (b"\xef\xbb\xbf# coding: latin-1\n", None),
    ],
)  # fmt: skip
def test_decode(content, expected):
    assert decode(content) == expected


def test_digest_is_that_of_the_bytes():
    source = read_source("a.py", b"x\r\n", Counter())
    # printf 'x\r\n' | sha256sum
    assert source.sha256 == "b35e09fa2ced9ebcad9d16336fb961146fe34bfbebc562679da85f8a314c9dca"
