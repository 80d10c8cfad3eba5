"""Texts wait on disk, and leave nothing behind."""

import pytest

from codetune.data.clean.spool import Spool, encode

RECORDS = [{"id": "a", "completion": "def f():\n    return 'é\U0001f600'"}, {}, {"start_line": 3, "path": None}]


def test_records_are_read_as_they_were_written_in_any_order(tmp_path):
    with Spool(tmp_path / "new") as spool:
        for record in RECORDS:
            spool.append(encode(record))
        assert len(spool) == 3
        assert [spool.read(number) for number in (2, 0, 1, 0)] == [RECORDS[2], RECORDS[0], RECORDS[1], RECORDS[0]]


def test_nothing_is_left_behind_nor_seen_meanwhile(tmp_path):
    def fail() -> None:
        with Spool(tmp_path) as spool:
            spool.append(encode(RECORDS[0]))
            assert not list(tmp_path.iterdir())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())
