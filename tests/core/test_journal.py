"""Results of an interrupted run are reused only if every bit is as it was written."""

import pytest

from codetune.core.journal import Journal

ROWS = [{"id": "a", "text": "é\u2028", "scores": [0.1, 2]}, {"id": "b", "nested": {"x": None}}]


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "rows.jsonl", "recipe one")
    with journal.writing(ROWS[:1]) as add:
        add(ROWS[1])
    return journal


def test_results_come_back_as_they_were(journal):
    assert journal.read() == ROWS
    assert Journal(journal.path, "another recipe").read() is None


def test_an_incomplete_last_line_is_ignored(journal):
    journal.path.write_bytes(journal.path.read_bytes()[:-3])
    assert journal.read() == ROWS[:1]


def test_no_flipped_bit_is_read(journal):
    content = journal.path.read_bytes()
    for place in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            journal.path.write_bytes(damaged)
            found = journal.read()
            assert found is None or found == ROWS[: len(found)], (place, bit)
