"""Tables that are streamed are those that are written and read whole."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codetune.core import tables
from codetune.core.errors import UserError

SCHEMA = pa.schema([("id", pa.string()), ("number", pa.int32()), ("share", pa.float64())])
# More than one portion, with missing values and texts that a dictionary does not hold.
ROWS = [{"id": f"row {n}", "number": None if n % 7 == 0 else n % 50, "share": n / 3} for n in range(2500)]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1000], ROWS[:1], []])
def test_streamed_bytes_are_those_of_a_table_written_whole(tmp_path, rows):
    tables.write_table(tmp_path / "whole", rows, SCHEMA)
    assert tables.stream_table(tmp_path / "streamed", iter(rows), SCHEMA) == len(rows)
    assert tables.read_table(tmp_path / "streamed") == rows
    assert (tmp_path / "streamed").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize(("limit", "value", "groups"), [("_GROUP_ROWS", 1000, 3), ("_GROUP_BYTES", 40_000, 2)])
def test_what_is_held_is_bounded(tmp_path, monkeypatch, limit, value, groups):
    monkeypatch.setattr(tables, limit, value)
    tables.stream_table(tmp_path / "table", ROWS, SCHEMA)
    assert pq.read_metadata(tmp_path / "table").num_row_groups == groups
    assert tables.read_table(tmp_path / "table") == ROWS


def test_an_error_on_the_way_leaves_the_table_as_it_was(tmp_path):
    tables.write_table(tmp_path / "table", ROWS[:5], SCHEMA)
    with pytest.raises(ZeroDivisionError):
        tables.stream_table(tmp_path / "table", ({"number": 1 // (3 - n)} for n in range(9)), SCHEMA)
    assert tables.read_table(tmp_path / "table") == ROWS[:5]
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


def test_rows_are_counted(tmp_path):
    tables.write_table(tmp_path / "table", ROWS, SCHEMA)
    assert tables.count_rows(tmp_path / "table") == 2500


@pytest.mark.parametrize("read", [tables.read_table, tables.count_rows])
def test_missing_and_damaged_files_are_named(tmp_path, read):
    with pytest.raises(UserError, match="none does not exist"):
        read(tmp_path / "none")
    (tmp_path / "damaged").write_text("no table")
    with pytest.raises(UserError, match="damaged is damaged"):
        read(tmp_path / "damaged")
