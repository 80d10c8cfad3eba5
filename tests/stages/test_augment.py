"""The stage `augment`, whole, on a slice."""

import json

import pytest

from codetune.augmentation.params import AugmentParams
from codetune.errors import UserError
from codetune.files import read_json, read_jsonl, write_jsonl
from stages.augment import Inputs, Outputs, run

PARAMS = AugmentParams(seed=7, share=0.5, per_row=2, change_share=0.6, min_changes=2, max_attempts=4, workers=1)


@pytest.fixture
def place(tmp_path, instruction_rows):
    write_jsonl(tmp_path / "clean.jsonl", instruction_rows)
    write_jsonl(tmp_path / "held_out.jsonl", [{**row, "id": f"t{row['id']}"} for row in instruction_rows])
    return tmp_path


def inputs(place):
    return Inputs(place / "clean.jsonl", place / "held_out.jsonl")


def outputs(place, name="out"):
    return Outputs(place / name / "train.jsonl", place / name / "test.jsonl", place / name / "report.json")


def test_originals_first_then_paraphrases(place, instruction_rows):
    report = run(PARAMS, inputs(place), outputs(place))
    rows = read_jsonl(outputs(place).train)
    assert rows[:24] == instruction_rows
    parents = [row["parent"] for row in rows[24:]]
    order = [row["id"] for row in instruction_rows]
    assert parents == sorted(parents, key=order.index)
    assert len(rows) == report["rows_out"] > 24
    assert read_json(outputs(place).report) == report


def test_originals_are_written_as_they_were_read(place):
    run(PARAMS, inputs(place), outputs(place))
    assert outputs(place).train.read_bytes().startswith((place / "clean.jsonl").read_bytes())


def test_same_bytes_again(place):
    for name in ("one", "two"):
        run(PARAMS, inputs(place), outputs(place, name))
    assert outputs(place, "one").train.read_bytes() == outputs(place, "two").train.read_bytes()
    assert outputs(place, "one").report.read_bytes() == outputs(place, "two").report.read_bytes()


def test_test_prompts_get_other_words(place, instruction_rows):
    report = run(PARAMS, inputs(place), outputs(place))
    rows = read_jsonl(outputs(place).test)
    assert len(rows) == report["held_out_wordings"]["paraphrases"] >= 20
    originals = {f"t{row['id']}": row for row in instruction_rows}
    for row in rows:
        assert row["completion"] == originals[row["parent"]]["completion"]
        assert row["instruction"] != originals[row["parent"]]["instruction"]
    assert not {row["parent"] for row in rows} & {row["id"] for row in read_jsonl(outputs(place).train)}


def test_no_paraphrases_wanted(place):
    run(PARAMS.model_copy(update={"share": 0.0}), inputs(place), outputs(place))
    assert outputs(place).train.read_bytes() == (place / "clean.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ({"id": "a"}, "clean.jsonl:2 has instruction None"),
        ({"id": 3, "instruction": "Return it."}, "clean.jsonl:2 has id 3"),
        ({"id": "first", "instruction": ""}, "clean.jsonl:2 has instruction ''"),
        ({"id": "first", "instruction": "Return it."}, "clean.jsonl:2 has the id of line 1, first"),
    ],
)
def test_bad_rows_are_named_and_outputs_stay(place, line, named):
    run(PARAMS, inputs(place), outputs(place))
    before = outputs(place).train.read_bytes()
    lines = [{"id": "first", "instruction": "Return the list."}, line]
    (place / "clean.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    with pytest.raises(UserError, match=named):
        run(PARAMS, inputs(place), outputs(place))
    assert outputs(place).train.read_bytes() == before


def test_missing_input(place):
    with pytest.raises(UserError, match="does not exist"):
        run(PARAMS, Inputs(place / "none.jsonl"), outputs(place))
