"""Tables are checked while they are read, a few rows at a time."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codetune.core.errors import UserError
from codetune.core.files import write_json, write_jsonl
from codetune.schemas.checking import SchemaError, check_rows, checked
from codetune.schemas.instructions import ORIGINALS
from codetune.schemas.ledger import LEDGER
from codetune.schemas.manifest import MANIFEST
from codetune.schemas.raw import RAW_ROWS
from codetune.schemas.reading import read_document, read_rows, rows_containing
from codetune.schemas.samples import SAMPLES
from tests.support.tables import instruction_row, ledger_row, manifest, raw_row, sample

AGAIN = "Run `dvc repro --force --single-item {} to make it again."


def numbered(count):
    return [raw_row(f"{number:016x}", instruction=None, completion=None) for number in range(count)]


def parquet(folder, rows, **columns):
    path = folder / "rows.parquet"
    table = pa.Table.from_pylist(rows, schema=RAW_ROWS.arrow)
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    pq.write_table(table, path)
    return path


def test_both_formats_come_back_as_written(tmp_path):
    rows = numbered(3000)
    assert list(read_rows(parquet(tmp_path, rows), RAW_ROWS)) == rows
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [instruction_row(instruction="a\u2028b")])
    assert list(read_rows(path, ORIGINALS)) == [instruction_row(instruction="a\u2028b")]


def test_rows_are_given_before_the_next_are_looked_at(tmp_path):
    rows = read_rows(parquet(tmp_path, [*numbered(3), raw_row("late")]), RAW_ROWS)
    assert [next(rows)["id"] for _ in range(3)] == [f"{number:016x}" for number in range(3)]
    with pytest.raises(UserError, match=r"rows.parquet, row 4 \(late\): id is 'late', expected 16 lower-case"):
        next(rows)


def test_the_row_after_many_batches_is_counted_right(tmp_path):
    path = parquet(tmp_path, [*numbered(2500), raw_row("f" * 16, license="")])
    with pytest.raises(UserError) as caught:
        list(read_rows(path, RAW_ROWS))
    what = f"{path}, row 2501 (ffffffffffffffff): license is '', expected text that is not blank"
    assert (caught.value.what, caught.value.remedy) == (what, AGAIN.format("ingest`"))


def test_single_columns_are_checked_by_themselves(tmp_path):
    path = parquet(tmp_path, [raw_row(license=""), raw_row("bbbb000000000002")])
    assert [list(row) for row in read_rows(path, RAW_ROWS, ["code", "id"])] == [["id", "code"]] * 2
    with pytest.raises(UserError, match=r"row 1: license is '', expected text"):
        list(read_rows(path, RAW_ROWS, ["license"]))
    path = parquet(tmp_path, [raw_row(end_line=3)])
    assert list(read_rows(path, RAW_ROWS, ["end_line"])) == [{"end_line": 3}]
    with pytest.raises(UserError, match="row 1: end_line is 3, expected a line not before start_line"):
        list(read_rows(path, RAW_ROWS, ["start_line", "end_line"]))


def test_columns_of_a_file_without_rows_are_checked(tmp_path):
    path = parquet(tmp_path, [], note=pa.array([], pa.string()))
    with pytest.raises(UserError, match=r"rows.parquet: column note is unknown, expected id, source, group, "):
        list(read_rows(path, RAW_ROWS))
    assert list(read_rows(path, RAW_ROWS, ["id"])) == []
    pq.write_table(pq.read_table(path).drop_columns(["note", "code"]), path)
    with pytest.raises(UserError, match=r"rows.parquet: column code is missing, expected id, source, group, "):
        list(read_rows(path, RAW_ROWS))


@pytest.mark.parametrize("name", ["rows.parquet", "rows.jsonl"])
def test_a_missing_or_damaged_file_is_one_line(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(UserError, match=f"{name} does not exist"):
        list(read_rows(path, RAW_ROWS))
    with pytest.raises(UserError, match=f"{name} does not exist" if name.endswith("jsonl") else "does not exist"):
        list(rows_containing(path, RAW_ROWS, "a"))
    path.write_bytes(b"{\xff")
    with pytest.raises(UserError, match=f"{name}(:1 is not JSON| is damaged)"):
        list(read_rows(path, RAW_ROWS))


def test_lines_of_json_are_named_by_their_number(tmp_path):
    path = tmp_path / "base.jsonl"
    write_jsonl(path, [sample(), sample("bbbb000000000002", tokens="9")])
    with pytest.raises(UserError) as caught:
        list(read_rows(path, SAMPLES))
    assert caught.value.what == f"{path}:2 (bbbb000000000002): tokens is '9', expected a count, 0 or more"
    assert caught.value.remedy == AGAIN.format("generate@base`")


def test_only_lines_with_the_text_are_looked_at(tmp_path):
    path = tmp_path / "train.jsonl"
    write_jsonl(path, [{"broken": 1}, instruction_row(), instruction_row("bbbb000000000002", version=3)])
    assert list(rows_containing(path, ORIGINALS, "aaaa0")) == [instruction_row()]
    with pytest.raises(UserError, match=r"train.jsonl:3 \(bbbb000000000002\): version is 3, expected text. Run `dvc"):
        list(rows_containing(path, ORIGINALS, "bbbb0"))


def test_other_versions_may_have_other_columns_but_no_other_values():
    older = {key: value for key, value in ledger_row().items() if key not in ("verdict", "matched")} | {"new": 1}
    assert list(check_rows([(1, older)], LEDGER, lenient=True)) == [older]
    with pytest.raises(SchemaError, match=r"row 1 .*: split is 'dev', expected train, val or test"):
        list(check_rows([(1, older | {"split": "dev"})], LEDGER, lenient=True))
    with pytest.raises(SchemaError, match="column verdict is missing, expected keep or drop"):
        list(check_rows([(1, older)], LEDGER))


def test_a_document_is_read_whole(tmp_path):
    path = tmp_path / "manifest.json"
    write_json(path, manifest())
    assert read_document(path, MANIFEST) == manifest()
    write_json(path, {"rows": 3, "packages": []})
    assert read_document(path, MANIFEST, lenient=True) == {"rows": 3, "packages": []}
    with pytest.raises(
        UserError, match=r"manifest.json: column files is missing, expected a count, 0 or more. Run `dvc"
    ):
        read_document(path, MANIFEST)
    write_json(path, [])
    with pytest.raises(UserError, match=r"manifest.json: the row is \[\], expected a valid dictionary"):
        read_document(path, MANIFEST, lenient=True)


def test_a_row_that_must_not_be_written_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "train.jsonl"
    write_jsonl(path, checked([instruction_row()], ORIGINALS, path))
    before = path.read_bytes()
    with pytest.raises(UserError) as caught:
        write_jsonl(path, checked([instruction_row("bbbb000000000002"), instruction_row(group="")], ORIGINALS, path))
    assert str(caught.value) == (
        f"{path}:2 (aaaa000000000001): group is '', expected text that is not blank; the file was not written. "
        "Fix the input of `clean`; if the input is right, this is a bug in that stage."
    )
    assert path.read_bytes() == before
    assert list(Path(tmp_path).iterdir()) == [path]
