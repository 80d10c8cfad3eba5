"""Rows to examples and batches: what is kept, what is dropped and counted, and in which order."""

from functools import partial

import pytest
import torch

from codetune.core.errors import UserError
from codetune.core.files import write_jsonl
from codetune.models.answer_form import format_completion
from codetune.models.prompt import completion_text, example_ids
from codetune.schemas.instructions import ORIGINALS
from codetune.training.data import (
    RowLimits,
    TokenizedRow,
    collate,
    load_rows,
    pack,
    padded_share,
    training_steps,
    validation_batches,
)
from tests.support.tables import instruction_row

IGNORED = -100


@pytest.fixture
def file(instruction_rows, tmp_path):
    path = tmp_path / "train.jsonl"
    write_jsonl(path, instruction_rows)
    return path


@pytest.fixture
def examples(tokenizer, instruction_rows):
    """Each row whole, by its id."""
    return {
        kept["id"]: example_ids(tokenizer, kept["instruction"], kept["completion"], 500) for kept in instruction_rows
    }


def row(row_id, length):
    return TokenizedRow(row_id, list(range(3, 3 + length)), [IGNORED, *range(4, 3 + length)])


def test_all_rows_are_taken_with_zero(file, tokenizer, examples):
    loaded = load_rows(file, ORIGINALS, tokenizer, RowLimits(0, 500, 7))
    assert {kept.row_id for kept in loaded.rows} == set(examples)
    assert loaded.dropped == {"too_long": 0}
    assert loaded.tokens == sum(len(example.input_ids) for example in examples.values())


def test_rows_of_a_source_with_weight_are_drawn_first_that_many_times_as_often():
    limits = RowLimits(0, 500, 7, weights={"own": 4})
    pairs = [(f"{number:016x}", f"{number + 4000:016x}") for number in range(4000)]
    first = sum(
        limits.place({"id": own, "source": "own"}) < limits.place({"id": other, "source": "packages"})
        for own, other in pairs
    )
    assert abs(first / len(pairs) - 4 / 5) < 0.02  # three standard errors
    plain = RowLimits(0, 500, 7)
    assert all(plain.place({"id": one, "source": "own"}) == plain.place({"id": one, "source": "x"}) for one, _ in pairs)


def test_weights_are_counted_and_must_name_a_source(file, tokenizer, instruction_rows):
    for place, given in enumerate(instruction_rows):
        given["source"] = "own" if place < 6 else "packages"
    write_jsonl(file, instruction_rows)
    even = load_rows(file, ORIGINALS, tokenizer, RowLimits(8, 500, 7))
    much = load_rows(file, ORIGINALS, tokenizer, RowLimits(8, 500, 7, weights={"own": 50}))
    assert sum(even.sources.values()) == sum(much.sources.values()) == 8
    assert much.sources["own"] == 6 > even.sources["own"]
    with pytest.raises(
        UserError, match=r"train.weights names 'mine', expected a source with rows in .*: own, packages"
    ):
        load_rows(file, ORIGINALS, tokenizer, RowLimits(8, 500, 7, weights={"mine": 2}))


def test_the_draw_depends_on_seed_and_ids_alone(file, tokenizer, instruction_rows, tmp_path):
    def draw(path, seed):
        return [kept.row_id for kept in load_rows(path, ORIGINALS, tokenizer, RowLimits(9, 500, seed)).rows]

    reversed_file = tmp_path / "reversed.jsonl"
    write_jsonl(reversed_file, instruction_rows[::-1])
    assert len(draw(file, 7)) == 9
    assert draw(file, 7) == draw(reversed_file, 7)
    assert draw(file, 7) != draw(file, 8)


def test_long_rows_are_dropped_and_counted_and_never_cut(file, tokenizer, examples):
    lengths = {row_id: len(example.input_ids) for row_id, example in examples.items()}
    limit = sorted(lengths.values())[10]
    loaded = load_rows(file, ORIGINALS, tokenizer, RowLimits(0, limit, 7))
    assert {kept.row_id: len(kept.input_ids) for kept in loaded.rows} == {
        row_id: length for row_id, length in lengths.items() if length <= limit
    }
    assert loaded.dropped == {"too_long": 24 - len(loaded.rows)}
    assert all(kept.labels[-1] == tokenizer.eos_token_id for kept in loaded.rows)


def test_long_rows_are_cut_on_demand_and_counted(file, tokenizer, examples):
    prompts = {row_id: example.labels.count(IGNORED) for row_id, example in examples.items()}
    limit = sorted(prompts.values())[-2]
    loaded = load_rows(file, ORIGINALS, tokenizer, RowLimits(0, limit, 7, "cut"))
    masked = sum(length >= limit for length in prompts.values())
    assert loaded.dropped == {"too_long": 0, "fully_masked": masked}
    assert masked == 24 - len(loaded.rows) > 0
    assert loaded.truncated == sum(len(examples[kept.row_id].input_ids) > limit for kept in loaded.rows) > 0
    for kept in loaded.rows:
        assert kept.input_ids == examples[kept.row_id].input_ids[:limit]


@pytest.mark.parametrize("form", ["fenced", "bare", "as_is"])
def test_rows_are_taught_in_the_form_that_is_asked_for_and_fences_count_as_tokens(
    file, tokenizer, instruction_rows, form
):
    texts = {row["id"]: format_completion(row["completion"], form) for row in instruction_rows}
    loaded = load_rows(file, ORIGINALS, tokenizer, RowLimits(0, 500, 7), form)
    for kept in loaded.rows:
        *answer, end = [label for label in kept.labels if label != IGNORED]
        assert completion_text(tokenizer, answer) == texts[kept.row_id]
        assert end == tokenizer.eos_token_id
    longest = max(len(kept.input_ids) for kept in loaded.rows)
    shorter = load_rows(file, ORIGINALS, tokenizer, RowLimits(0, longest - 1, 7), form)
    assert shorter.dropped["too_long"] == sum(len(kept.input_ids) == longest for kept in loaded.rows) > 0


def test_a_long_row_is_an_error_on_demand(file, tokenizer):
    with pytest.raises(UserError, match=r"train.jsonl: row \w{16} is longer than 60 tokens. Raise train.max_tokens"):
        load_rows(file, ORIGINALS, tokenizer, RowLimits(0, 60, 7, "error"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "none of 0 rows can be used"),
        (
            [instruction_row(completion="")],
            r"train.jsonl:1 \(aaaa000000000001\): completion is '', expected text that is not blank",
        ),
        ([instruction_row(completion="x" * 400)], r"none of 1 rows can be used \(1 are longer than 100"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tokenizer, tmp_path, rows, message):
    path = tmp_path / "train.jsonl"
    write_jsonl(path, rows)
    with pytest.raises(UserError, match=message):
        load_rows(path, ORIGINALS, tokenizer, RowLimits(0, 100, 7))


def test_a_batch_predicts_exactly_the_labelled_tokens():
    batch = collate([TokenizedRow("a", [3, 4, 5, 1], [IGNORED, IGNORED, 5, 1]), TokenizedRow("b", [6, 1], [6, 1])], 0)
    assert batch.input_ids.tolist() == [[3, 4, 5, 1], [6, 1, 0, 0]]
    # In row a, position 1 predicts 5 and position 2 predicts the end; in row b, position 4 predicts the end. The
    # label of a first token has nothing before it to be predicted from, and padding predicts nothing.
    assert batch.positions.tolist() == [1, 2, 4]
    assert batch.targets.tolist() == [5, 1, 1]
    assert batch.tokens == 6
    assert padded_share([batch]) == pytest.approx(2 / 8)


def test_packed_rows_lie_end_to_end_and_count_from_0():
    rows = [TokenizedRow("a", [3, 4, 5, 1], [IGNORED, IGNORED, 5, 1]), TokenizedRow("b", [6, 1], [6, 1])]
    batch = pack(rows)
    assert batch.input_ids.tolist() == [[3, 4, 5, 1, 6, 1]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 0, 1]]
    assert batch.positions.tolist() == [1, 2, 4]
    assert batch.targets.tolist() == [5, 1, 1]
    assert padded_share([batch]) == 0


def batches_of(rows, size, seed, epoch):
    return [batch for step in training_steps(rows, size, 1, seed, epoch, partial(collate, pad_id=0)) for batch in step]


def test_a_step_has_the_same_rows_however_it_is_cut():
    rows = [row(f"r{number}", 3 + number % 17) for number in range(101)]
    whole, cut = (training_steps(rows, size, 8 // size, 7, 0, pack) for size in (8, 2))
    names = [[[name for batch in step for name in batch.row_ids] for step in steps] for steps in (whole, cut)]
    assert names[0] == names[1]
    assert {len(step) for step in whole} == {1}
    assert sorted(len(step) for step in cut) == [3] + [4] * 12


def test_every_row_is_in_one_batch_of_each_epoch():
    rows = [row(f"r{number}", 3 + number % 17) for number in range(101)]
    for epoch in (0, 1):
        batches = batches_of(rows, 8, 7, epoch)
        assert sorted(name for batch in batches for name in batch.row_ids) == sorted(kept.row_id for kept in rows)
        assert sorted(len(batch.row_ids) for batch in batches) == [5] + [8] * 12


def test_rows_of_like_length_are_together():
    rows = [row(f"r{number}", 3 + number % 40) for number in range(640)]
    grouped = padded_share(batches_of(rows, 8, 7, 0))
    alone = padded_share([collate(rows[at : at + 8], 0) for at in range(0, 640, 8)])
    assert grouped < 0.05 < alone


def order(rows, seed, epoch):
    return [batch.row_ids for batch in batches_of(rows, 4, seed, epoch)]


def test_the_order_is_drawn_from_seed_epoch_and_ids():
    rows = [row(f"r{number}", 3 + number % 5) for number in range(300)]
    assert order(rows, 7, 0) == order(rows[::-1], 7, 0)
    assert order(rows, 7, 0) != order(rows, 7, 1)
    assert order(rows, 7, 0) != order(rows, 8, 0)


def test_the_shortest_batches_do_not_come_first():
    # Few enough rows to be sorted by length as one stretch.
    rows = [row(f"r{number}", 3 + number) for number in range(60)]
    lengths = [batch.input_ids.shape[1] for batch in batches_of(rows, 4, 7, 0)]
    assert lengths != sorted(lengths)


def test_validation_batches_hold_all_rows_by_length():
    rows = [row("c", 9), row("a", 4), row("b", 6)]
    assert [batch.row_ids for batch in validation_batches(rows, 2, 0)] == [["a", "b"], ["c"]]
    assert validation_batches(rows, 2, 0)[0].input_ids.dtype == torch.long


def test_batch_moves_with_all_its_tensors():
    rows = [TokenizedRow("a", [5, 6, 7], [-100, 6, 7]), TokenizedRow("b", [5, 6], [-100, 6])]
    for batch in (collate(rows, 0), pack(rows)):
        moved = batch.to(torch.device("meta"))
        tensors = [value for value in vars(moved).values() if isinstance(value, torch.Tensor)]
        assert len(tensors) == sum(isinstance(value, torch.Tensor) for value in vars(batch).values())
        assert {value.device.type for value in tensors} == {"meta"}
        assert (moved.row_ids, moved.tokens) == (batch.row_ids, batch.tokens)
        assert batch.to(torch.device("cpu")) is batch
