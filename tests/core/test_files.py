"""Files are replaced whole or not at all."""

import errno
import gzip
import json
from pathlib import Path

import pytest

from codetune.core.errors import UserError
from codetune.core.files import (
    atomic_file,
    atomic_folder,
    read_jsonl,
    read_user_rows,
    split_lines,
    stable_seed,
    write_json,
    write_jsonl,
)


def test_failed_write_keeps_previous_file(tmp_path):
    path = tmp_path / "out.json"
    write_json(path, {"a": 1})
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["out.json"]


def test_failed_write_keeps_previous_folder(tmp_path):
    path = tmp_path / "model"
    with atomic_folder(path) as folder:
        (folder / "weights").write_text("old")
    with pytest.raises(OSError, match="full"), atomic_folder(path) as folder:
        (folder / "weights").write_text("new")
        raise OSError(errno.ENOSPC, "full")
    assert (path / "weights").read_text() == "old"
    with atomic_folder(path) as folder:
        (folder / "weights").write_text("new")
    assert (path / "weights").read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_cannot_be_put_in_place_leaves_the_previous_one(tmp_path, monkeypatch):
    path = tmp_path / "model"
    with atomic_folder(path) as folder:
        (folder / "weights").write_text("old")
    true_replace = Path.replace

    def replace(self, target):
        if self.suffix == ".part":
            raise OSError(errno.EIO, "broken")
        return true_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="broken"), atomic_folder(path) as folder:
        (folder / "weights").write_text("new")
    assert (path / "weights").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"a": 1}\n[2]\n', ":2 holds list"), ('{"a": 1}\n{"a":\n', ":2 is not JSON"), (None, "does not exist")],
)
def test_bad_jsonl_names_the_line(tmp_path, text, expected):
    path = tmp_path / "rows.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=expected):
        read_jsonl(path)


def test_jsonl_round_trip(tmp_path):
    rows = [{"id": "a", "text": "é\n\u2028"}, {"id": "b", "text": ""}]
    assert write_jsonl(tmp_path / "rows.jsonl", rows) == 2
    assert read_jsonl(tmp_path / "rows.jsonl") == rows


def test_not_a_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "out.json", float("nan"))


def test_stable_seed_depends_on_every_part():
    # By another tool: printf '7\x1fa\x1fb' | sha256sum begins 993e10801e76708f; without its last bit.
    assert stable_seed(7, "a", "b") == 0x993E10801E76708F >> 1
    assert (
        len({stable_seed(7, "a", "b"), stable_seed(8, "a", "b"), stable_seed(7, "ab"), stable_seed(7, "b", "a")}) == 4
    )


def test_only_line_feeds_end_a_line():
    assert split_lines("a\u2028b\x85c\x0bd\x0ce\r\nf\n\ng") == ["a\u2028b\x85c\x0bd\x0ce", "f", "", "g"]
    assert split_lines("") == []
    assert split_lines("a\n") == ["a"]


def test_no_code_cuts_text_where_no_line_ends():
    # These two cut bytes, which Python does at line breaks alone.
    allowed = {Path("codetune/python_source/tree.py"), Path("scripts/uv.py")}
    files = [path for folder in ("codetune", "stages", "scripts") for path in Path(folder).rglob("*.py")]
    found = {path for path in files if ".splitlines(" in path.read_text(encoding="utf-8")}
    assert found == allowed
    for path in allowed:
        assert path.read_text(encoding="utf-8").count(".splitlines(") == 1


ROWS = [{"a": "one\u2028line\x85"}, {"a": "two"}]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    "text", ["".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in ROWS), json.dumps(ROWS, indent=1)]
)
def test_given_rows_are_lines_or_a_list_with_or_without_a_mark(tmp_path, text, mark, pack):
    path = tmp_path / "given"
    path.write_bytes(pack(mark + text.encode()))
    assert [row for _, row in read_user_rows(path, "Mend it.")] == ROWS


def test_a_byte_order_mark_before_json_lines_is_no_part_of_them(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n')
    assert read_jsonl(path) == [{"a": 1}, {"a": 2}]
