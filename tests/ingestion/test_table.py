"""Tables: format and columns are detected, rows that cannot be used are counted, mistakes are one sentence."""

import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codetune.errors import UserError
from codetune.ingestion.records import detect_format, read_records
from codetune.ingestion.table import Layout, Pair, read_pairs

ROWS = [{"instruction": "Add.", "input": "1, 2", "output": "3"}, {"instruction": "Say é.", "input": "", "output": "é"}]
PAIRS = [Pair("Add.\n\n1, 2", "3"), Pair("Say é.", "é")]
UNDETECTED = Layout()


def lines(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table"


@pytest.fixture
def read(path):
    """A function from the content of a table to its pairs, and to what was skipped and noted."""

    def read(content, named=UNDETECTED, form=None):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        skipped, notes = Counter(), Counter()
        pairs = [pair for _, pair in read_pairs(str(path), read_records(path, form), named, skipped, notes)]
        return pairs, dict(skipped), dict(notes)

    return read


CSV = 'instruction,input,output\nAdd.,"1, 2",3\r\nSay é.,,é\n'


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (json.dumps(ROWS, indent=2).encode(), "json"),
        (json.dumps({"version": 1, "data": ROWS}).encode(), "json"),
        (b"\xef\xbb\xbf" + json.dumps(ROWS).encode(), "json"),
        (lines(ROWS).encode(), "jsonl"),
        (lines(ROWS).replace("\n", "\r\n\r\n").encode(), "jsonl"),
        (gzip.compress(lines(ROWS).encode()), "jsonl"),
        (CSV.encode(), "csv"),
        (b"\xef\xbb\xbf" + CSV.encode(), "csv"),
        (CSV.replace(",", "\t").replace('"1\t 2"', '"1, 2"').encode(), "csv"),
    ],
)
def test_format_is_told_from_the_content(read, path, content, form):
    assert read(content) == (PAIRS, {}, {})
    assert detect_format(path) == form


def test_parquet(read, path):
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    assert read(path.read_bytes()) == (PAIRS, {}, {})
    assert detect_format(path) == "parquet"


@pytest.mark.parametrize(
    ("row", "expected", "notes"),
    [
        ({"prompt": "p", "completion": "c"}, Pair("p", "c"), {}),
        ({"instruction": "p", "completion": "c"}, Pair("p", "c"), {}),
        ({"instruction": "p", "input": "<noinput>", "output": "  c\n"}, Pair("p", "  c"), {}),
        ({"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}]}, Pair("p", "c"), {}),
        (
            {
                "messages": [
                    {"role": r, "content": c}
                    for r, c in zip(["system", "user", "assistant", "user"], "spcq", strict=True)
                ]
            },
            Pair("p", "c"),
            {"other_turns_left_out": 2},
        ),
        ({"conversations": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "c"}]}, Pair("p", "c"), {}),
        ({"messages": '[{"role": "user", "content": "p"}, {"role": "assistant", "content": "c"}]'}, Pair("p", "c"), {}),
    ],
)
def test_layouts(read, row, expected, notes):
    pairs, skipped, noted = read(lines([row]))
    assert (pairs, skipped) == ([expected], {})
    assert {key: count for key, count in noted.items() if count} == notes


def test_columns_can_be_named(read):
    named = Layout(instruction="en", completion="de", group="theme")
    pairs, *_ = read("en;de;theme\nGood day;Guten Tag;7\n", named)
    assert pairs == [Pair("Good day", "Guten Tag", "7")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"prompt": "\xff", "completion": "c"}', "undecodable"),
        (b'{"prompt": "\\ud800", "completion": "c"}', "undecodable"),
        (b"17", "not_an_object"),
        (b'"not_json"', "not_an_object"),
        (b'{"promt": "p", "completion": "c"}', "columns_differ"),
        (b'{"prompt": null, "completion": "c"}', "columns_differ"),
        (b'{"prompt": 1, "completion": "c"}', "not_text"),
        (b'{"prompt": " ", "completion": "c"}', "instruction_empty"),
        (b'{"prompt": "p", "completion": "\\n"}', "completion_empty"),
    ],
)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_broken_rows_are_counted_and_stop_nothing(read, line, reason, position):
    good = [b'{"prompt": "p", "completion": "c"}', b'{"prompt": "q", "completion": "d"}']
    pairs, skipped, _ = read(b"\n".join([*good[:position], line, *good[position:]]), form="jsonl")
    assert pairs == [Pair("p", "c"), Pair("q", "d")]
    assert skipped == {reason: 1}


def test_broken_rows_of_csv(read):
    content = b"prompt,completion\np,c\nalone\none,two,three\n\xff,c\n\nq," + b"d" * 2_000_000 + b"\n"
    pairs, skipped, _ = read(content)
    assert pairs == [Pair("p", "c"), Pair("q", "d" * 2_000_000)]
    assert skipped == {"columns_differ": 2, "undecodable": 1}


@pytest.mark.parametrize("turns", [[], [{"role": "assistant", "content": "c"}], [7]])
def test_chat_without_an_answer(read, turns):
    assert read(lines([{"messages": turns}]))[:2] == ([], {"no_answer": 1})


def test_hundreds_of_broken_rows_before_the_first_good_one(read):
    content = "broken\n" * 300 + lines([{"prompt": "p", "completion": "c"}])
    assert read(content, form="jsonl")[:2] == ([Pair("p", "c")], {"not_json": 300})


@pytest.mark.parametrize("content", ["", "[]", "\n\n"])
def test_empty_table_yields_nothing(read, content):
    assert read(content) == ([], {}, {})


@pytest.mark.parametrize(
    ("content", "named", "expected"),
    [
        (b"Once upon a time", UNDETECTED, "the format is unknown (it begins with 'Once upon a time')"),
        (b"\x00\x01\x02", UNDETECTED, "the format is unknown"),
        (b"[1, 2", UNDETECTED, "is not JSON"),
        (b'{"a": {"b": 1},\n"c": 2}', UNDETECTED, "holds dict, expected a list of objects"),
        (b"PAR1 and no more", UNDETECTED, "is not Parquet"),
        (b"\x1f\x8b\x08broken", UNDETECTED, "cannot be read"),
        (
            b"question,answer\na,b\n",
            UNDETECTED,
            "the columns answer, question are not understood, expected instruction and output",
        ),
        (b"en,de\na,b\n", Layout(instruction="en", completion="fr"), "has no column 'fr', found: de, en"),
        (b"prompt,completion\na,b\n", Layout(group="theme"), "has no column 'theme', found: completion, prompt"),
    ],
)
def test_mistakes_are_one_sentence(read, content, named, expected):
    with pytest.raises(UserError) as caught:
        read(content, named)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist"):
        read_records(tmp_path / "nowhere", None)
