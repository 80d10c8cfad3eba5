"""Mistakes in `ingest.sources` are named where they stand, with the fix."""

import pytest

from codetune.core.config import problems_in
from codetune.data.ingest.params import IngestParams

TABLE = {"type": "table", "name": "t", "path": "t.json"}


def problems(*sources) -> list[str]:
    return problems_in({"ingest": {"sources": list(sources), "max_file_kb": 1, "workers": 1}}, IngestParams)


@pytest.mark.parametrize(
    "source",
    [
        {"type": "packages", "name": "p", "file": "data/packages.txt", "license": "MIT", "limit": 3},
        {"type": "stdlib", "name": "s"},
        {"type": "folder", "name": "f", "path": ".", "revision": "HEAD~2^"},
        {"type": "folder", "name": "f", "path": ".", "revision": "origin/feature-1.x"},
        TABLE | {"format": "csv", "columns": {"instruction": "en", "completion": "de", "group": "theme"}},
        {"type": "hub", "name": "h", "path": "a/b", "revision": "0" * 40},
    ],
)
def test_every_type_is_understood(source):
    assert problems(source) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({**TABLE, "type": "tabel"}, "ingest.sources.0.type: unknown type 'tabel' (did you mean table?)"),
        ({"name": "t"}, "ingest.sources.0.type: missing (known: folder, hub, packages, stdlib, table)"),
        (TABLE | {"limits": 3}, "ingest.sources.0.limits: unknown parameter (did you mean limit?)"),
        (TABLE | {"revision": "v1"}, "ingest.sources.0.revision: unknown parameter"),
        (TABLE | {"columns": {"instruktion": "en"}}, "ingest.sources.0.columns.instruktion: unknown parameter (did you mean instruction?)"),
        (TABLE | {"columns": {"instruction": "en"}}, "ingest.sources.0.columns: name both `instruction` and `completion`"),
        (TABLE | {"columns": {"messages": "m", "instruction": "i", "completion": "c"}}, "name either `messages`, or"),
        (TABLE | {"columns": {"input": "i"}}, "`input` needs"),
        (TABLE | {"format": "xml"}, "ingest.sources.0.format: found 'xml' (str), expected: 'json', 'jsonl', 'csv' or 'parquet'"),
        (TABLE | {"limit": 0}, "ingest.sources.0.limit: found 0 (int), expected: greater than or equal to 1"),
        (TABLE | {"name": "../t"}, "ingest.sources.0.name: found '../t'"),
        ({"type": "folder", "name": "f", "path": ".", "revision": "--output=x"}, "ingest.sources.0.revision: found '--output=x'"),
        ({"type": "folder", "name": "f", "path": ".", "revision": "a b"}, "ingest.sources.0.revision: found 'a b'"),
        ({"type": "hub", "name": "h", "path": "a/b", "revision": "main"}, "ingest.sources.0.revision: found 'main'"),
        ("packages", "ingest.sources.0: found 'packages' (str)"),
    ],
)  # fmt: skip
def test_mistakes_are_named(source, expected):
    found = problems(source)
    assert len(found) == 1
    assert expected in found[0]


def test_names_differ_and_there_is_a_source():
    assert problems(TABLE, TABLE) == ["ingest.sources: two sources are named 't'; give each a different name"]
    assert "at least 1 item" in problems()[0]
