"""A base is tried before it is trained: what fails is one line, and the training that follows has the same bits."""

import pytest
import torch

from codetune.export import merge
from codetune.generation.slots import SlotCache
from codetune.models.load import load_model
from codetune.training import base_check
from codetune.training.base_check import check_base
from codetune.training.params import TrainParams
from stages import train
from tests.conftest import digests, one_line
from tests.support.families import make_family
from tests.support.training import TRAIN, inputs_in, outputs_in, params, tokenized


def options(**changes):
    return TrainParams.model_validate(TRAIN | changes)


def failing(*_arguments, **_named):
    raise IndexError("index out of range in self")


def test_random_numbers_are_drawn_as_if_nothing_had_been_tried(base, rows):
    before = torch.random.get_rng_state()
    check_base(base, rows, options(), "cpu")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_adapter_has_the_bytes_that_it_has_without_a_trial(tiny_base, instruction_rows, tmp_path, monkeypatch):
    def trained(folder):
        inputs, outputs = inputs_in(folder, instruction_rows[:8], instruction_rows[18:]), outputs_in(folder)
        train.run(params(tiny_base, max_steps=2), inputs, outputs)
        return digests(outputs.adapter, outputs.training)

    tried, calls = trained(tmp_path / "tried"), []
    monkeypatch.setattr(train, "check_base", lambda *given: calls.append(given))
    assert trained(tmp_path / "untried") == tried
    assert calls


@pytest.mark.parametrize(
    "changes", [{"packing": True}, {"gradient_checkpointing": True, "lora": TRAIN["lora"] | {"use_dora": True}}]
)
def test_settings_of_the_training_are_tried(base, rows, changes):
    check_base(base, rows, options(**changes), "cpu")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("add_adapter", r"putting an adapter on it fails \(IndexError: index out of range in self\)"),
        ("batch_loss", r"training on the longest row, of \d+ tokens, fails \(IndexError"),
        ("save_adapter", "storing its adapter fails"),
        ("merge", "merging the stored adapter fails"),
        ("answer_all", r"answering two prompts at a time fails"),
    ],
)
def test_part_that_fails_is_named_in_one_line(base, rows, monkeypatch, part, message):
    monkeypatch.setattr(base_check, part, failing)
    with one_line(f"model.base: .* cannot be used: {message}.*docs/families.md"):
        check_base(base, rows, options(), "cpu")


def test_too_little_memory_is_told_as_such(base, rows, monkeypatch):
    def full(*_arguments):
        raise MemoryError

    monkeypatch.setattr(base_check, "batch_loss", full)
    with one_line("training: not enough memory for training on the longest row"):
        check_base(base, rows, options(), "cpu")


def test_answers_that_see_what_they_should_not_are_refused(base, rows, monkeypatch):
    true_aim = SlotCache.set_positions
    monkeypatch.setattr(
        SlotCache, "set_positions", lambda cache, positions: torch.zeros_like(true_aim(cache, positions))
    )
    with one_line("answers differently in a batch than alone"):
        check_base(base, rows, options(), "cpu")


def test_packed_rows_that_see_each_other_are_refused(base, rows, monkeypatch):
    true_logits = base_check.logits_at
    monkeypatch.setattr(
        base_check, "logits_at", lambda model, ids, places, _counted=None: true_logits(model, ids, places)
    )
    with one_line(
        "train.packing: true, but in .* the packed rows of a batch attend to each other: .*Set train.packing: false"
    ):
        check_base(base, rows, options(packing=True), "cpu")


def test_merged_weights_that_answer_otherwise_are_refused(base, rows, monkeypatch):
    monkeypatch.setattr(merge, "rounding", lambda *_: 0.0)
    with one_line("after merging, a logit differs by .* from base plus adapter"):
        check_base(base, rows, options(learning_rate=1.0), "cpu")


def test_parts_without_an_adapter_are_told(instruction_rows, tmp_path, capsys):
    base = load_model(make_family("phimoe", tmp_path))
    check_base(base, tokenized(base.tokenizer, instruction_rows[:2]), options(), "cpu")
    told = capsys.readouterr().err
    assert "training: 4 tensors of fused experts are not trained, such as model.layers.0.mlp.experts." in told
    assert "training: 2 linear modules get no adapter, such as model.layers.0.mlp.router: " in told


def test_rows_beyond_the_context_are_refused_before_they_are_read(tmp_path):
    base = make_family("gpt2", tmp_path / "base", n_positions=64, max_position_embeddings=64)
    with one_line("train.max_tokens: found 65, expected at most 64, the context of"):
        train.run(params(base, max_tokens=65), train.Inputs(tmp_path / "no", tmp_path / "no"), outputs_in(tmp_path))
