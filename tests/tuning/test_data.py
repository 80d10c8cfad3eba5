"""Rows to examples and batches: what is kept, what is dropped and counted, and in which order."""

import pytest
import torch

from codetune.errors import UserError
from codetune.files import write_jsonl
from codetune.modeling.load import load_tokenizer
from codetune.prompt import example_ids
from codetune.schemas.instructions import ORIGINALS
from codetune.tuning.data import TokenizedRow, collate, load_rows, padded_share, training_batches, validation_batches
from tests.tables import instruction_row

IGNORED = -100


@pytest.fixture
def tokenizer(tiny_base):
    return load_tokenizer(tiny_base)


@pytest.fixture
def file(instruction_rows, tmp_path):
    path = tmp_path / "train.jsonl"
    write_jsonl(path, instruction_rows)
    return path


def row(row_id, length):
    return TokenizedRow(row_id, list(range(3, 3 + length)), [IGNORED, *range(4, 3 + length)])


def test_all_rows_are_taken_with_zero(file, tokenizer, instruction_rows):
    loaded = load_rows(file, ORIGINALS, tokenizer, max_rows=0, max_tokens=500, seed=7)
    assert {kept.row_id for kept in loaded.rows} == {kept["id"] for kept in instruction_rows}
    assert loaded.dropped == {"too_long": 0}
    assert loaded.tokens == sum(
        len(example_ids(tokenizer, kept["instruction"], kept["completion"], 500).input_ids) for kept in instruction_rows
    )


def test_the_draw_depends_on_seed_and_ids_alone(file, tokenizer, instruction_rows, tmp_path):
    def draw(path, seed):
        return [
            kept.row_id for kept in load_rows(path, ORIGINALS, tokenizer, max_rows=9, max_tokens=500, seed=seed).rows
        ]

    reversed_file = tmp_path / "reversed.jsonl"
    write_jsonl(reversed_file, instruction_rows[::-1])
    assert len(draw(file, 7)) == 9
    assert draw(file, 7) == draw(reversed_file, 7)
    assert draw(file, 7) != draw(file, 8)


def test_long_rows_are_dropped_and_counted_and_never_cut(file, tokenizer, instruction_rows):
    lengths = {
        kept["id"]: len(example_ids(tokenizer, kept["instruction"], kept["completion"], 500).input_ids)
        for kept in instruction_rows
    }
    limit = sorted(lengths.values())[10]
    loaded = load_rows(file, ORIGINALS, tokenizer, max_rows=0, max_tokens=limit, seed=7)
    assert {kept.row_id: len(kept.input_ids) for kept in loaded.rows} == {
        row_id: length for row_id, length in lengths.items() if length <= limit
    }
    assert loaded.dropped == {"too_long": 24 - len(loaded.rows)}
    assert all(kept.labels[-1] == tokenizer.eos_token_id for kept in loaded.rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"completion": ""}, r"train.jsonl:1 \(aaaa000000000001\): completion is '', expected text that is not blank"),
        ({"completion": "x" * 400}, r"no row is left of 1 \(1 longer than 100"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tokenizer, tmp_path, changes, message):
    path = tmp_path / "train.jsonl"
    write_jsonl(path, [instruction_row(**changes)])
    with pytest.raises(UserError, match=message):
        load_rows(path, ORIGINALS, tokenizer, max_rows=0, max_tokens=100, seed=7)


def test_an_empty_file_is_named(tokenizer, tmp_path):
    path = tmp_path / "train.jsonl"
    path.touch()
    with pytest.raises(UserError, match="no row is left of 0"):
        load_rows(path, ORIGINALS, tokenizer, max_rows=0, max_tokens=100, seed=7)


def test_a_batch_predicts_exactly_the_labelled_tokens():
    batch = collate([TokenizedRow("a", [3, 4, 5, 1], [IGNORED, IGNORED, 5, 1]), TokenizedRow("b", [6, 1], [6, 1])], 0)
    assert batch.input_ids.tolist() == [[3, 4, 5, 1], [6, 1, 0, 0]]
    # In row a, position 1 predicts 5 and position 2 predicts the end; in row b, position 4 predicts the end. The
    # label of a first token has nothing before it to be predicted from, and padding predicts nothing.
    assert batch.positions.tolist() == [1, 2, 4]
    assert batch.targets.tolist() == [5, 1, 1]
    assert batch.tokens == 6
    assert padded_share([batch]) == pytest.approx(2 / 8)


def test_every_row_is_in_one_batch_of_each_epoch():
    rows = [row(f"r{number}", 3 + number % 17) for number in range(101)]
    for epoch in (0, 1):
        batches = training_batches(rows, 8, seed=7, epoch=epoch, pad_id=0)
        assert sorted(name for batch in batches for name in batch.row_ids) == sorted(kept.row_id for kept in rows)
        assert sorted(len(batch.row_ids) for batch in batches) == [5] + [8] * 12


def test_rows_of_like_length_are_together():
    rows = [row(f"r{number}", 3 + number % 40) for number in range(640)]
    grouped = padded_share(training_batches(rows, 8, seed=7, epoch=0, pad_id=0))
    alone = padded_share([collate(rows[at : at + 8], 0) for at in range(0, 640, 8)])
    assert grouped < 0.05 < alone


def order(rows, seed, epoch):
    return [batch.row_ids for batch in training_batches(rows, 4, seed=seed, epoch=epoch, pad_id=0)]


def test_the_order_is_drawn_from_seed_epoch_and_ids():
    rows = [row(f"r{number}", 3 + number % 5) for number in range(300)]
    assert order(rows, 7, 0) == order(rows[::-1], 7, 0)
    assert order(rows, 7, 0) != order(rows, 7, 1)
    assert order(rows, 7, 0) != order(rows, 8, 0)


def test_the_shortest_batches_do_not_come_first():
    # Few enough rows to be sorted by length as one stretch.
    rows = [row(f"r{number}", 3 + number) for number in range(60)]
    lengths = [batch.input_ids.shape[1] for batch in training_batches(rows, 4, seed=7, epoch=0, pad_id=0)]
    assert lengths != sorted(lengths)


def test_validation_batches_hold_all_rows_by_length():
    rows = [row("c", 9), row("a", 4), row("b", 6)]
    assert [batch.row_ids for batch in validation_batches(rows, 2, 0)] == [["a", "b"], ["c"]]
    assert validation_batches(rows, 2, 0)[0].input_ids.dtype == torch.long
