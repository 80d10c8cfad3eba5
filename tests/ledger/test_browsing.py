from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from codetune.core.errors import UserError
from codetune.core.files import write_jsonl
from codetune.ledger.browsing import read_index, read_places, rows_by_id, rows_containing
from codetune.schemas.instructions import AUGMENTED, ORIGINALS
from tests.support.tables import instruction_row, paraphrase

ROWS = [
    instruction_row("aaaa000000000001", group="lark"),
    instruction_row("aaaa000000000002", group='o"dd \\ é', instruction='Say "group": "wrong" and "parent": "x".'),
    instruction_row("aaaa000000000003", group="lark", completion="def LOAD():\n    return 'é'"),
    paraphrase("eeee000000000007", group="lark"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "rows.jsonl", ROWS)
    return tmp_path / "rows.jsonl"


def test_rows_are_found_by_group_and_kind(path: Path) -> None:
    index = read_index(path)
    assert len(index) == 4
    assert index.groups == ("lark", 'o"dd \\ é')
    assert index.places().tolist() == [0, 1, 2, 3]
    assert index.places("lark").tolist() == [0, 2, 3]
    assert index.places('o"dd \\ é').tolist() == [1]
    assert index.places("nobody").tolist() == []
    assert index.places(paraphrases=True).tolist() == [3]
    assert index.places("lark", paraphrases=False).tolist() == [0, 2]


def test_the_rows_at_some_places_are_those_that_were_written(path: Path) -> None:
    index = read_index(path)
    assert read_places(index, [3, 1], AUGMENTED) == [ROWS[3], ROWS[1]]


def test_lines_that_are_spelt_differently_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row, separators=(",", ":")) for row in ROWS) + "\n")
    index = read_index(path)
    assert index.places(paraphrases=True).tolist() == [3]
    assert read_places(index, [3], AUGMENTED) == [ROWS[3]]


@pytest.mark.parametrize(
    ("text", "found"), [("load()", [0]), ("'É'", [2]), ("def load():\n", [2]), ('"group"', [1]), ("nobody", [])]
)  # fmt: skip
def test_text_is_found_in_whatever_case(path: Path, text: str, found: list[int]) -> None:
    index = read_index(path)
    expected = [
        place for place, row in enumerate(ROWS)
        if any(text.casefold() in str(value).casefold() for value in row.values())
    ]  # fmt: skip
    assert rows_containing(index, index.places(), text).tolist() == expected
    assert set(expected) >= set(found)


def test_originals_are_found_by_id(path: Path) -> None:
    assert rows_by_id(path, ["aaaa000000000003", "none"], AUGMENTED) == {"aaaa000000000003": ROWS[2]}
    assert rows_by_id(path.with_name("none.jsonl"), ["a"], AUGMENTED) == {}


def test_a_broken_row_is_named(path: Path) -> None:
    with pytest.raises(UserError, match=r"rows\.jsonl:4 .*parent is"):
        read_places(read_index(path), [3], ORIGINALS)
    path.write_text("{\n")
    with pytest.raises(UserError, match=r"rows\.jsonl:1 is not JSON"):
        read_index(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_index(tmp_path / "none.jsonl")


def test_a_page_does_not_take_the_table_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = (instruction_row(f"{number:016x}", completion="x = 1\n" * 400) for number in range(3000))
    write_jsonl(path, rows)
    read_places(read_index(path), [0], ORIGINALS)
    tracemalloc.start()
    index = read_index(path)
    assert len(read_places(index, index.places()[100:120].tolist(), ORIGINALS)) == 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 8_000_000
    assert peak < 1_500_000
