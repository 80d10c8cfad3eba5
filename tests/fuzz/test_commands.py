"""Command lines of any words: done, or refused in words."""

from __future__ import annotations

import contextlib
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codetune.__main__ import main
from tests.fuzz.inputs import inputs

_COMMANDS = st.sampled_from(["check", "ingest", "summary", "why", "compare", "data-diff", "execute", "problem", ""])
# An argument is bytes without NUL; Python decodes those that are not UTF-8 to lone surrogates from U+DC80 to U+DCFF.
_WORDS = st.sampled_from(["--json", "--csv", "--k", "0", "1", "--output", "-h", "--", "HEAD", "workspace", "HEAD~1", "params.yaml",
                          "junk", "/", "a/b.py:1", "--dry", "\udcff", "~", "x" * 5000]) | (
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
) | st.binary(max_size=5).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))  # fmt: skip


@pytest.fixture(scope="module")
def folder(sample):
    (sample.root / "junk").write_bytes(b'{"task_id": 1}\n\xff[')
    return sample.root


@given(_COMMANDS, st.lists(_WORDS, max_size=4))
@inputs(20)
def test_words_of_any_kind(folder, command, words):
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.chdir(folder)
        patch.setattr("sys.argv", ["codetune", command, *words])
        with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.suppress(SystemExit):
            main()
    assert "this is a bug in codetune" not in told.getvalue()
