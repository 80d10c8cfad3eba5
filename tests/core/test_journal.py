"""Results of an interrupted run are reused only with the same recipe, and only if every bit is as it was written."""

import pytest

from codetune.core.journal import Journal

ROWS = [{"index": 0, "text": "é\u2028", "scores": [0.1, 2]}, {"index": 1, "nested": {"x": None}}]


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


def test_no_flipped_bit_is_read(journal):
    journal.write(ROWS)
    content = journal.path.read_bytes()
    for place in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            journal.path.write_bytes(damaged)
            found = journal.read()
            assert found is None or found == ROWS[: len(found)], (place, bit)
