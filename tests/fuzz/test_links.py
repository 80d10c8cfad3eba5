"""What a link can name, whatever it holds: found, or told not to be there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codetune.app.ui.guard import escape_markdown
from codetune.history.fetching import fetch_sentence
from codetune.history.listing import find_revision, list_revisions
from codetune.history.repository import Repository
from codetune.ledger.ledger import LEDGER_PATH, read_ledger
from codetune.ledger.why import look_up
from tests.fuzz.inputs import inputs, no_foreign_exception
from tests.ledger.conftest import write_data

_PIECES = st.sampled_from(["HEAD", "workspace", "~1", "^", "@{", "}", "..", "/", ":", "-", "--all", "refs/heads/", "~9999", "0" * 40,
                           "a1b2", ".py", ":15", "\\", "\0", "`", "\ud800", " ", "\n", "Tree.load", "lark/core.py", "*", "["])  # fmt: skip
_TEXTS = st.lists(_PIECES | st.text(max_size=4), max_size=5).map("".join)


@pytest.fixture(scope="module")
def repository(sample):
    return Repository(sample.root)


@given(_TEXTS)
@inputs(40)
def test_revisions_of_any_name(repository, text):
    with no_foreign_exception():
        found = find_revision(repository, list_revisions(repository)[:3], text)
        assert found is None or found.key
        assert fetch_sentence(repository, text)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write_data(root)
    return root, read_ledger(root / LEDGER_PATH)


@given(_TEXTS)
@inputs(100)
def test_rows_of_any_name(data, text):
    with no_foreign_exception():
        look_up(*data, text)


@given(_TEXTS)
@inputs(100)
def test_texts_that_are_shown_as_they_are(text):
    assert "\n" in text or "\n" not in escape_markdown(text)
