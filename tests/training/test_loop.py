"""The loop: loss, schedule, what is trained and what is kept."""

import math
from functools import partial

import pytest
import torch

from codetune.core.errors import UserError
from codetune.models.load import load_model
from codetune.training import loop
from codetune.training.data import collate, pack, training_steps, validation_batches
from codetune.training.loop import learning_rate, train, validation_loss
from codetune.training.lora import add_adapter
from codetune.training.params import TrainParams
from codetune.training.progress import Evaluation, Progress
from tests.support.training import LORA, TRAIN, lora


def params(**changes):
    return TrainParams.model_validate(TRAIN | {"lora": LORA} | changes)


def fit(base, rows, **changes):
    """Train on the first 16 rows, validate on the others; the model, the result and what was logged."""
    options = params(**changes)
    model = add_adapter(base.model, options.lora, seed=7)
    logged = []
    collate_fn = pack if options.packing else partial(collate, pad_id=0)
    sizes = (options.batch_size, options.accumulation)
    steps = [
        step for epoch in range(options.epochs) for step in training_steps(rows[:16], *sizes, 7, epoch, collate_fn)
    ]
    validation = validation_batches(rows[16:], 4, 0)
    result = train(model, steps, validation, options, lambda step, values: logged.append((step, values)))
    return model, result, logged


def test_validation_loss_does_not_depend_on_the_batches(base, rows):
    by_one, by_seven = (validation_loss(base.model, validation_batches(rows, size, 0)) for size in (1, 7))
    assert by_one == pytest.approx(by_seven, rel=1e-5)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        # 10 steps, 2 of warm-up at a peak of 1: by hand from the formulas.
        ("constant", [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("cosine", [0.5, 1, 1, 0.96194, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.03806]),
    ],
)
def test_schedules(schedule, expected):
    options = params(schedule=schedule, warmup_share=0.2, learning_rate=1.0)
    assert [learning_rate(step, 10, options) for step in range(10)] == pytest.approx(expected, abs=1e-5)


def test_no_warm_up_begins_at_the_peak():
    assert learning_rate(0, 10, params(warmup_share=0.0, learning_rate=0.5)) == 0.5


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor", "sgd"])
def test_training_lowers_the_loss(base, rows, optimizer):
    rate = {"adamw": 1e-2, "adafactor": 1e-2, "sgd": 0.3}[optimizer]
    _, result, _ = fit(base, rows, optimizer=optimizer, epochs=3, learning_rate=rate)
    assert result.steps == 12
    assert result.best.val_loss < result.evaluations[0].val_loss - 0.1


def test_only_the_adapter_changes(base, rows, tiny_base):
    untouched = load_model(tiny_base).model.state_dict()
    model, _, _ = fit(base, rows, epochs=2)
    weights = {name: weight for name, weight in model.named_parameters() if ".lora_" not in name}
    for name, weight in weights.items():
        assert torch.equal(weight, untouched[name.removeprefix("base_model.model.").replace(".base_layer", "")])
    assert len(weights) == len(list(load_model(tiny_base).model.parameters()))
    changed = [weight for name, weight in model.named_parameters() if ".lora_B." in name]
    assert all(weight.abs().max() > 0 for weight in changed)


def test_evaluations_are_at_the_start_at_intervals_and_at_the_end(base, rows):
    _, result, logged = fit(base, rows, epochs=2, evaluate_every=3, batch_size=4)
    assert [evaluation.step for evaluation in result.evaluations] == [0, 3, 6, 8]
    assert [step for step, values in logged if "val/loss" in values] == [0, 3, 6, 8]
    assert [step for step, values in logged if "train/loss" in values] == [8]


def test_the_best_weights_are_kept(base, rows, monkeypatch):
    losses = iter([3.0, 2.0, 1.0, 2.5, 1.5])
    seen = []

    def scripted(model, *_):
        seen.append({name: weight.detach().clone() for name, weight in model.named_parameters()})
        return next(losses)

    monkeypatch.setattr(loop, "validation_loss", scripted)
    model, result, _ = fit(base, rows, evaluate_every=1)
    assert result.best == Evaluation(2, 1.0)
    kept = dict(model.named_parameters())
    assert all(torch.equal(weight, kept[name]) for name, weight in seen[2].items())
    assert not all(torch.equal(weight, kept[name]) for name, weight in seen[4].items())


def test_the_earliest_of_equal_evaluations_is_best():
    result = Progress(3, 3, [Evaluation(0, 2.0), Evaluation(1, 1.0), Evaluation(2, 1.0)])
    assert result.best.step == 1


def test_a_loss_that_is_not_finite_names_step_and_rows(base, rows, monkeypatch):
    true_loss = loop.batch_loss
    culprit = training_steps(rows[:16], 4, 1, 7, 0, pack)[2][0].row_ids

    def poisoned(model, batch, *precision):
        return true_loss(model, batch, *precision) * (math.nan if batch.row_ids == culprit else 1.0)

    monkeypatch.setattr(loop, "batch_loss", poisoned)
    with pytest.raises(UserError, match=f"the loss is nan at step 3, rows {', '.join(culprit)}"):
        fit(base, rows)


def test_a_validation_loss_that_is_not_finite_is_named(base, rows, monkeypatch):
    monkeypatch.setattr(loop, "validation_loss", lambda *_: math.inf)
    with pytest.raises(UserError, match="the loss is inf at the validation after step 0"):
        fit(base, rows)


def test_dropout_is_off_in_validation(base, rows):
    model = add_adapter(base.model, lora(dropout=0.5), seed=7)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.1)  # they begin at zero, so that dropout would have no effect
    model.train()
    first, second = (validation_loss(model, validation_batches(rows, 8, 0)) for _ in range(2))
    assert first == second
    assert model.training


def test_training_stops_when_nothing_gets_better(base, rows, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.0, 1.0])
    monkeypatch.setattr(loop, "validation_loss", lambda *_: next(losses))
    _, result, _ = fit(base, rows, evaluate_every=1, patience=2)
    assert (result.step, result.steps, result.best.step) == (3, 4, 1)


def weights_of(model):
    return {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}


def test_a_batch_of_eight_is_four_accumulated_batches_of_two(tiny_base, rows):
    whole, parts = (
        weights_of(fit(load_model(tiny_base), rows, batch_size=size, accumulation=8 // size)[0]) for size in (8, 2)
    )
    for name, weight in whole.items():
        assert torch.allclose(weight, parts[name], rtol=1e-4, atol=1e-5), name


def test_activations_computed_twice_change_nothing(tiny_base, rows):
    once, twice = (
        weights_of(fit(load_model(tiny_base), rows, gradient_checkpointing=again)[0]) for again in (False, True)
    )
    assert all(torch.equal(weight, twice[name]) for name, weight in once.items())


def test_packed_rows_are_learnt_as_padded_ones_are(tiny_base, rows):
    padded, packed = (weights_of(fit(load_model(tiny_base), rows, packing=on)[0]) for on in (False, True))
    for name, weight in padded.items():
        assert torch.allclose(weight, packed[name], rtol=1e-4, atol=1e-5), name


def test_bfloat16_is_close_and_the_weights_stay_float32(tiny_base, rows):
    exact, coarse = (fit(load_model(tiny_base), rows, precision=kind) for kind in ("float32", "bfloat16"))
    assert coarse[1].best.val_loss == pytest.approx(exact[1].best.val_loss, rel=2e-2)
    assert coarse[1].best.val_loss != exact[1].best.val_loss
    assert {weight.dtype for weight in weights_of(coarse[0]).values()} == {torch.float32}


def test_too_little_memory_names_the_batch(base, rows, monkeypatch):
    def full(*_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(loop, "batch_loss", full)
    monkeypatch.setattr(loop, "validation_loss", lambda *_: 1.0)
    with pytest.raises(UserError, match=r"not enough memory for 4 rows of \d+ tokens. Lower train.batch_size"):
        fit(base, rows)
