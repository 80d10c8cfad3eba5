"""Tables of any content: rows, rows that are passed over by reason, or an error in words."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codetune.core.files import read_json, read_jsonl
from codetune.data.clean.benchmarks import read_benchmark
from codetune.data.ingest.records import read_records
from codetune.data.ingest.table import Layout, read_pairs
from codetune.evaluation.problems.reading import read_problems
from tests.fuzz.inputs import inputs, no_foreign_exception

_KEYS = st.sampled_from(["instruction", "output", "input", "prompt", "completion", "messages", "conversations", "role",
                         "content", "from", "value", "task_id", "canonical_solution", "test", "text", "code",
                         "test_list", "entry_point"])  # fmt: skip
_TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "user",
        "assistant",
        "gpt",
        "human",
        "\ud800",
        "\0",
        "a\u2028b",
        "",
        " ",
        "def f():\n",
        "assert f() == 1",
        "9" * 5000,
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | _TEXTS, inner, max_size=5),
    max_leaves=8,
)
_RECORDS = st.dictionaries(_KEYS, _VALUES, max_size=5)
_MESSAGES = st.lists(
    st.fixed_dictionaries({}, optional={"role": _TEXTS, "content": _VALUES, "from": _TEXTS, "value": _VALUES})
    | _VALUES,
    max_size=4,
)
_CHATS = st.fixed_dictionaries({}, optional={"messages": _MESSAGES | _TEXTS, "conversations": _MESSAGES})
_CELLS = st.sampled_from(["instruction", "output", "prompt", "completion", ",", ",", "\n", "\r\n", "\r", '"', '""', "\t", ";",
                          "|", "\0", "\ufeff", "é", " "]) | st.text(max_size=5)  # fmt: skip
_FORMATS = st.sampled_from([None, "json", "jsonl", "csv", "parquet"])
_LAYOUTS = st.sampled_from([Layout(), Layout(messages="messages"), Layout("instruction", "output", group="input")])


def _read(path: Path, content: bytes, form: str | None, layout: Layout) -> None:
    """Read a table of this content as `ingest` does."""
    path.write_bytes(content)
    with no_foreign_exception():
        rows = list(read_pairs("mine", read_records(path, form), layout, Counter(), Counter()))
        for _, pair in rows:
            f"{pair.instruction}{pair.completion}{pair.group}".encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table"


@given(st.lists(_RECORDS | _CHATS | _VALUES, max_size=4), _FORMATS, _LAYOUTS, st.booleans(), st.booleans())
@inputs(150)
def test_json_of_any_content(path, rows, form, layout, escaped, nested):
    text = json.dumps({"data": rows} if nested else rows, ensure_ascii=escaped)
    _read(path, _bytes(text), form, layout)


@given(st.lists(_RECORDS | _CHATS | _VALUES, max_size=4), _FORMATS, _LAYOUTS, st.booleans())
@inputs(150)
def test_lines_of_json_of_any_content(path, rows, form, layout, escaped):
    _read(path, _bytes("\n".join(json.dumps(row, ensure_ascii=escaped) for row in rows)), form, layout)


@given(st.lists(_CELLS, max_size=30).map("".join), _FORMATS, _LAYOUTS)
@inputs(150)
def test_csv_of_any_content(path, text, form, layout):
    _read(path, _bytes(text), form, layout)


@given(
    st.binary(max_size=60) | st.binary(max_size=40).map(lambda some: b"PAR1" + some + b"PAR1")
    | st.binary(max_size=40).map(lambda some: b"\x1f\x8b" + some)
    | st.tuples(st.binary(max_size=40), st.integers(0, 40)).map(lambda some: gzip.compress(some[0])[: some[1]])
    | st.sampled_from([b"[" * 3000, b'{"a":' * 3000, b"[" + b"9" * 5000 + b"]", b"{" + b"9" * 5000]),
    _FORMATS, _LAYOUTS,
)  # fmt: skip
@inputs(150)
def test_bytes_of_any_content(path, content, form, layout):
    _read(path, content, form, layout)


@given(st.lists(_RECORDS | _VALUES, max_size=3), st.binary(max_size=20), st.booleans())
@inputs(150)
def test_benchmarks_and_reports_of_any_content(path, rows, tail, whole):
    lines = b"\n".join(_bytes(json.dumps(row)) for row in rows) + tail
    path.write_bytes(_bytes(json.dumps(rows)) if whole else lines)
    for read in (read_problems, read_benchmark, read_json, read_jsonl):
        with no_foreign_exception():
            read(path)
