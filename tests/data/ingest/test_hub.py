"""Data sets through the `datasets` library, on a local folder in the shape of a hub snapshot."""

import json

import pytest

from codetune.core.errors import UserError
from codetune.data.ingest.hub import read_hub
from codetune.data.ingest.params import HubSource
from tests.conftest import one_line

CARD = """---
configs:
- config_name: easy
  data_files:
  - {split: train, path: easy/train.jsonl}
  - {split: test, path: easy/test.jsonl}
---
"""


@pytest.fixture
def snapshot(tmp_path):
    root = tmp_path / "snapshot"
    (root / "easy").mkdir(parents=True)
    (root / "README.md").write_text(CARD)
    for split in ("train", "test"):
        row = {"prompt": f"Say {split}.", "completion": split}
        (root / f"easy/{split}.jsonl").write_text(json.dumps(row) + "\n")
    return root


def source(path, **changes) -> HubSource:
    return HubSource(type="hub", name="h", path=str(path), cache=str(path.parent / "cache"), **changes)


@pytest.mark.parametrize(("changes", "split"), [({}, "train"), ({"split": "test", "config": "easy"}, "test")])
def test_local_snapshot(snapshot, changes, split):
    assert list(read_hub(source(snapshot, **changes))) == [{"prompt": f"Say {split}.", "completion": split}]


def test_mistakes_are_one_sentence(snapshot, tmp_path):
    with pytest.raises(UserError, match="a hub id needs its pinned commit"):
        read_hub(source(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="is a local folder and has no revision"):
        read_hub(source(snapshot, revision="a" * 40))
    with one_line("cannot be loaded"):
        read_hub(source(snapshot, split="validation"))


def test_no_code_of_the_data_set_is_run(snapshot):
    (snapshot / "snapshot.py").write_text(f"open({str(snapshot / 'ran')!r}, 'w')\n")
    for path in (snapshot / "README.md", snapshot / "easy/train.jsonl", snapshot / "easy/test.jsonl"):
        path.unlink()
    with pytest.raises(UserError, match="cannot be loaded"):
        read_hub(source(snapshot))
    assert not (snapshot / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "b.jsonl",
            '{"prompt": "p", "completion": "c", "extra": 1}\n',
            r"b\.jsonl cannot be loaded .*columns.*'extra'",
        ),
        ("a.jsonl", "", r"one of its files is empty.*or the files"),
        ("a.jsonl", '{"prompt": 1}\n{"prompt": "p", "completion":}\n', r"a\.jsonl cannot be loaded \(ValueError"),
    ],
)
def test_the_file_and_what_is_wrong_with_it_are_named(tmp_path, name, content, said):
    root = tmp_path / "files"
    root.mkdir()
    (root / "a.jsonl").write_text('{"prompt": "p", "completion": "c"}\n')
    (root / name).write_text(content)
    with pytest.raises(UserError, match=said):
        read_hub(source(root))


def test_csv_with_more_cells_than_its_header_is_refused(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    (root / "a.csv").write_text("prompt,completion\np,c,more\n")
    with pytest.raises(UserError, match="more cells than its header"):
        read_hub(source(root))


def test_csv_with_a_header_twice_is_refused(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    (root / "a.csv").write_text("prompt,completion,completion\np,c,d\n")
    with pytest.raises(UserError, match=r"a\.csv has 2 columns with the name 'completion'"):
        read_hub(source(root))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_csv_whose_quotes_swallow_rows_is_refused(tmp_path, name):
    """Up to the next quote, pandas reads rows as part of the cell, and says nothing."""
    root = tmp_path / "files"
    root.mkdir()
    between = "\t" if name.endswith("tsv") else ","

    def write(*rows):
        (root / name).write_text("".join(f"{between.join(row)}\n" for row in [("prompt", "completion"), *rows]))

    write(("A", "p(1)"), ("B", '"p(2)'), ("C", '"p(3)"'), ("D", "p(4)"))
    with pytest.raises(UserError, match=f"{name}: the row that begins on line 3 is not CSV"):
        read_hub(source(root))
    write(("A", '"p(1),\n""p(2)"""'))
    assert [row["completion"] for row in read_hub(source(root))] == ['p(1),\n"p(2)"']
