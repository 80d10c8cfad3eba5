"""Tables: format and columns are detected, rows that cannot be used are counted, mistakes are one sentence."""

import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from codetune.core.errors import UserError
from codetune.data.ingest.records import detect_format, read_records
from codetune.data.ingest.table import Layout, Pair, read_pairs

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
        (gzip.compress(lines(ROWS).encode(), mtime=0), "jsonl"),
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
            {"system_text_left_out": 1, "other_turns_left_out": 1},
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
        (b'{"a": {"b": 1},\n"c": 2}', UNDETECTED, "contains dict, expected a list of objects"),
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


@pytest.mark.parametrize("mark", "\u2028\u2029\x85")
def test_a_line_of_json_holds_what_other_readers_end_a_line_at(read, mark):
    text = "".join(json.dumps({"prompt": f"a{mark}b", "completion": c}, ensure_ascii=False) + "\n" for c in "cd")
    assert read(text) == ([Pair(f"a{mark}b", "c"), Pair(f"a{mark}b", "d")], {}, {})


HEAD = "instruction,output\nadd,1\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f'{HEAD}two,"print(2)\nthree,3\nfour,4\n', "the row that begins on line 3 is not CSV: unexpected end of data"),
        (f'{HEAD}"a\nb",2\ntwo,"print(2)\nthree,"3"\n', "the row that begins on line 5 is not CSV"),
        ('instruction,"output\nadd,1\n', "the row that begins on line 1 is not CSV"),
        ("instruction,output, output\nadd,1,\n", "has 2 columns with the name 'output'"),
        ('{"data": [],\n"data": []}', "contains an object with a repeated key"),
        ('[{" prompt": "p", "answer": "c"}]', "the columns ' prompt', answer are not understood"),
    ],
)
def test_what_would_lose_rows_or_columns_is_refused(read, content, message):
    with pytest.raises(UserError, match=message):
        read(content)


def test_a_column_that_comes_twice_in_parquet_is_refused(read, path):
    pq.write_table(pa.table([["p"], ["c"], [""]], names=["prompt", "completion", "completion"]), path)
    with pytest.raises(UserError, match="has 2 columns with the name 'completion'"):
        read(path.read_bytes())


@pytest.mark.parametrize(
    ("content", "skipped"),
    [
        ("prompt, completion\np, c\n", {}),
        ('prompt, completion\np, "c"\n', {}),
        (" prompt ,completion\np,c\n", {}),
        ("prompt,completion\np,c,\n", {}),
        ("prompt,completion,,\np,c,,\n", {}),
        ("prompt,completion\np,c, \n", {}),
        ("prompt,completion,\np,c\n", {}),
        ("\n \nprompt,completion\np,c\n", {}),
        ("\ufeff\ufeffprompt,completion\np,c\n", {}),
        ("prompt,,completion\np,,c\np,c\n", {"columns_differ": 1}),
        ("prompt,completion\np,c\np,c,d\n", {"columns_differ": 1}),
        (
            '{"prompt": "p", "completion": "c"}\n{"prompt": "p", "prompt": "q", "completion": "c"}\n',
            {"column_twice": 1},
        ),
    ],
)
def test_padded_headers_and_empty_cells_beyond_them_lose_nothing(read, content, skipped):
    assert read(content) == ([Pair("p", "c")], skipped, {})


def chat(*turns):
    return [{"role": role, "content": text} for role, text in turns]


REJECTED = {"column_left_out: rejected": 1}
ASKED, ANSWERED = chat(("user", "p")), chat(("assistant", "c"))


@pytest.mark.parametrize(
    ("row", "notes"),
    [
        ({"messages": chat(("User", "p"), ("Assistant", "c"))}, {}),
        ({"messages": chat(("user", "p"), ("model", "c"))}, {}),
        ({"conversations": [{"from": "human", "value": "p"}, {"from": "chatgpt", "value": "c"}]}, {}),
        ({"messages": [{"role": None, "from": "user", "content": None, "value": "p"}, *ANSWERED]}, {}),
        ({"messages": chat(("user", [{"type": "text", "text": "p"}]), ("assistant", ["c"]))}, {}),
        ({"messages": chat(("developer", "s"), ("user", "p"), ("assistant", "c"))}, {"system_text_left_out": 1}),
        ({"messages": chat(("assistant", "hello"), ("user", "p"), ("assistant", "c"))}, {"other_turns_left_out": 1}),
        ({"prompt": ASKED, "completion": ANSWERED}, {}),
        ({"prompt": [*chat(("system", "s")), *ASKED], "completion": "c"}, {"system_text_left_out": 1}),
        ({"prompt": "p", "completion": ANSWERED}, {}),
        ({"prompt": json.dumps(ASKED), "completion": json.dumps(ANSWERED)}, {}),
        ({"prompt": "p", "completion": "c", "label": True}, {}),
        ({"prompt": ASKED, "chosen": ANSWERED, "rejected": chat(("assistant", "d"))}, REJECTED),
        ({"prompt": "p", "chosen": [*ASKED, *ANSWERED], "rejected": [*ASKED, *ASKED]}, REJECTED),
        ({"chosen": [*ASKED, *ANSWERED], "rejected": ASKED}, REJECTED),
        ({"instruction": "p", "output": "c", "system": "s", "history": []}, {"system_text_left_out": 1}),
        ({"instruction": "p", "input": None, "output": "c", "system": ""}, {}),
        ({"prompt": [{"type": "text", "text": "p"}], "completion": [{"type": "text", "text": "c"}]}, {}),
        (
            {"messages": [*ASKED, {**ANSWERED[0], "reasoning_content": "so", "name": "", "tool_calls": []}]},
            {"column_left_out: field reasoning_content of a message": 1},
        ),
    ],
)
def test_forms_of_other_tools_are_read(read, row, notes):
    assert read(lines([row])) == ([Pair("p", "c")], {}, notes)


def test_columns_that_are_not_read_are_counted_by_name(read):
    rows = [{"prompt": "p", "completion": "c", "score": 4, "note": "", "tags": [], "source": text} for text in "ab"]
    assert read(lines(rows))[2] == {"column_left_out: score": 2, "column_left_out: source": 2}
    wide = {"prompt": "p", "completion": "c"} | {f"column {number}": 1 for number in range(50)}
    noted = read(lines([wide]))[2]
    assert len(noted) == 21
    assert noted["column_left_out: others"] == 30
    said = {**ANSWERED[0], **{f"field {number:02}": 1 for number in range(50)}}
    noted = read(lines([{"messages": [*ASKED, said]}]))[2]
    assert {f"column_left_out: field field {number:02} of a message" for number in range(20)} < set(noted)


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        (",prompt,completion\n0,p,c\n1,q,d\n", {"column_left_out: column 1": 2}),
        ("prompt,completion,,\np,c,x,y\nq,d,,z\n", {"column_left_out: column 3": 1, "column_left_out: column 4": 2}),
        (lines([{"": 0, "prompt": "p", "completion": "c"}, {"": 1, "prompt": "q", "completion": "d"}]),
         {"column_left_out: ": 2}),
    ],
)  # fmt: skip
def test_a_column_without_a_name_is_neither_input_nor_group(read, content, left_out):
    assert read(content) == ([Pair("p", "c"), Pair("q", "d")], {}, left_out)


def test_a_table_may_have_both_columns_of_chats(read):
    sharegpt = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "d"}]
    rows = [{"messages": [*ASKED, *ANSWERED]}, {"messages": None, "conversations": sharegpt}]
    assert read(lines(rows)) == ([Pair("p", "c"), Pair("q", "d")], {}, {})
    assert read(lines(rows), Layout(messages="messages"))[1] == {"columns_differ": 1}
    both = {"messages": [*ASKED, *ANSWERED], "conversations": sharegpt}
    assert read(lines([both])) == ([Pair("p", "c")], {}, {"column_left_out: conversations": 1})


@pytest.mark.parametrize(
    ("row", "expression"),
    [
        ({"license": "mit"}, "MIT"),
        ({"licence": "Apache License, Version 2.0"}, "Apache-2.0"),
        ({"license": "GPL-3.0-only AND (MIT OR Apache-2.0)"}, "GPL-3.0-only AND (MIT OR Apache-2.0)"),
        ({"licenses": ["MIT", "GPL-3.0-only"]}, "MIT AND GPL-3.0-only"),
        ({"license": "see the file"}, "LicenseRef-unread"),
        ({"license": " "}, None),
        ({"licenses": []}, None),
        ({}, None),
    ],
)
def test_a_row_may_name_its_licence(read, row, expression):
    ([pair], skipped, notes) = read(lines([{"prompt": "p", "completion": "c", **row}]))
    assert (pair.license.expression if pair.license else None) == expression
    assert (skipped, notes) == ({}, {})


@pytest.mark.parametrize("second", ['"def g', 'b "def g"', '"def g" + 1'])
def test_two_quotes_that_are_not_closed_hold_no_rows(read, second):
    rows = "".join(f"q{number},a{number}\n" for number in range(20))
    with pytest.raises(UserError, match="the row that begins on line 2 is not CSV"):
        read(f'prompt,completion\nq,"def f\n{rows}r,{second}\n{rows}')


def test_parts_of_a_message_are_joined(read):
    parts = [{"type": "text", "text": "p"}, {"type": "text", "text": "q"}]
    assert read(lines([{"messages": chat(("user", parts), ("assistant", "c"))}]))[0] == [Pair("p\nq", "c")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": chat(("user", "p"), ("user", "q"), ("assistant", "c"))}, "earlier_turns"),
        ({"messages": chat(("user", "p"), ("tool", "t"), ("assistant", "c"))}, "role_unknown"),
        (
            {"messages": chat(("user", [{"type": "image"}, {"type": "text", "text": "p"}]), ("assistant", "c"))},
            "not_text",
        ),
        ({"messages": [*ASKED, {"role": "assistant", "content": "c", "tool_calls": [{"id": 1}]}]}, "not_text"),
        ({"messages": "Human: p"}, "not_a_chat"),
        ({"prompt": [*ASKED, *ANSWERED, *ASKED], "completion": ANSWERED}, "earlier_turns"),
        ({"prompt": "p", "completion": "c", "label": False}, "labelled_bad"),
        ({"instruction": "p", "output": "c", "history": [["q", "d"]]}, "earlier_turns"),
        ({"instruction": "p", "input": 7, "output": "c"}, "not_text"),
        ({"instruction": "p", "output": ["c", "d"]}, "not_text"),
    ],
)
def test_a_row_that_cannot_be_used_whole_is_counted(read, row, reason):
    assert read(lines([row])) == ([], {reason: 1}, {})


def test_nan_in_parquet_is_no_input(read, path):
    pq.write_table(pa.table({"instruction": ["p"], "input": [float("nan")], "output": ["c"]}), path)
    assert read(path.read_bytes()) == ([Pair("p", "c")], {}, {})
