"""What is saved is continued with the same recipe alone, and a line that broke off costs nothing else."""

import pytest

from codetune.core.journal import Journal

ROWS = [{"index": 0, "text": "a"}, {"index": 1, "text": "b\u2028c"}]


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "answers.jsonl", "recipe")


def test_results_are_read_as_they_were_written(journal):
    assert journal.read() == []
    with journal.writing(ROWS[:1]) as add:
        add(ROWS[1])
        assert journal.read() == ROWS, "each is in the file at once"
    assert journal.read() == ROWS


def test_a_line_that_broke_off_is_ignored(journal):
    journal.write(ROWS)
    journal.path.write_bytes(journal.path.read_bytes()[:-3])
    assert journal.read() == ROWS[:1]


def test_results_of_another_recipe_are_not_reused(journal):
    journal.write(ROWS)
    assert Journal(journal.path, "another").read() is None


@pytest.mark.parametrize("content", ["no JSON\n", '{"index": 0}\n', "one line without an end"])
def test_what_is_no_journal_is_not_reused(journal, content):
    journal.path.write_text(content)
    assert journal.read() is None
