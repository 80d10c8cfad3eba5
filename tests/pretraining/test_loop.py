"""The run: schedule, optimizer, and going on where it was killed."""

import pytest
import torch

from codetune.errors import UserError
from codetune.pretraining import loop
from codetune.pretraining.corpus import stream
from codetune.pretraining.loop import Checkpoints, pretrain
from codetune.pretraining.mixture import Mixture
from codetune.pretraining.model import build_model, training_loss
from codetune.pretraining.optimizer import orthogonalized, rate


@pytest.fixture
def tokens(tiny_tokenizer, texts):
    return Mixture(stream(tiny_tokenizer, texts), stream(tiny_tokenizer, texts[::-1]))


def weights(model):
    return torch.cat([value.detach().flatten() for value in model.parameters()])


@pytest.fixture
def steps(monkeypatch):
    """The steps that are trained from here on."""
    real, seen = loop.train_step, []

    def noting(model, optimizers, mixture, step, *rest):
        seen.append(step)
        return real(model, optimizers, mixture, step, *rest)

    monkeypatch.setattr(loop, "train_step", noting)
    return seen


def run(recipe, tokens, folder, names=("steady", "whole")):
    model = build_model(recipe, 1, 0)

    def validate(model):
        return training_loss(model, *tokens.documents.rows(0, 1, recipe.context)).item()

    return model, pretrain(model, tokens, recipe, Checkpoints(folder, *names), validate)


def test_rate_rises_stays_and_falls_to_zero(recipe):
    rates = [rate(step, recipe) for step in range(recipe.steps)]
    assert rates[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert rates[3 : recipe.steady_steps + 1] == [1.0] * (recipe.steady_steps - 2)
    assert rates[-1] == pytest.approx(1 / 6)
    assert recipe.steady_steps == 18


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 16, 6), (2, 6, 16)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape):
    stack = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonalized(stack))
    assert values.max() < 1.3
    assert values.min() > 0.4
    assert torch.allclose(orthogonalized(stack)[1:], orthogonalized(stack[1:]), atol=1e-5)


def test_training_learns(recipe, tokens, tmp_path):
    _, reached = run(recipe, tokens, tmp_path)
    assert reached.step == recipe.steps
    assert [step for step, _ in reached.curve] == list(range(2, 25, 2))
    assert reached.curve[-1][1] < reached.curve[0][1] - 1
    assert [step for step, _ in reached.validation] == [6, 12, 18, 24]
    assert reached.validation[-1][1] < reached.validation[0][1]


@pytest.mark.parametrize("dies_at", [5, 12, 18, 22])
def test_killed_run_goes_on_to_the_same_weights(recipe, tokens, tmp_path, monkeypatch, request, dies_at):
    whole, told = run(recipe, tokens, tmp_path / "a")
    real = loop.train_step

    def dying(model, optimizers, mixture, step, *rest):
        if step == dies_at:
            raise KeyboardInterrupt
        return real(model, optimizers, mixture, step, *rest)

    monkeypatch.setattr(loop, "train_step", dying)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tokens, tmp_path / "b")
    monkeypatch.undo()
    steps = request.getfixturevalue("steps")
    resumed, reached = run(recipe, tokens, tmp_path / "b")
    assert steps[0] == dies_at // 2 * 2, "it goes on from the last checkpoint"
    assert torch.equal(weights(resumed), weights(whole))
    assert reached.curve == told.curve
    assert reached.validation == told.validation


def test_gradient_of_a_batch_is_the_mean_over_its_rows(recipe, tokens, monkeypatch):
    wide = recipe.model_copy(update={"batch_tokens": 64 * 5})
    model = build_model(wide, 1, 0)
    with torch.no_grad():
        model.lm_head.weight.normal_(std=0.1)
    expected = training_loss(model, *tokens.batch(0, wide))
    expected.backward()
    whole = [weight.grad for weight in model.parameters()]
    model.zero_grad()
    seen = []
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda weights, _: seen.extend(w.grad for w in weights))
    assert loop.train_step(model, [], tokens, 0, wide) == pytest.approx(expected.item(), rel=1e-6)
    for own, wanted in zip(seen, whole, strict=True):
        assert torch.allclose(own, wanted, atol=1e-6)


def test_weights_do_not_depend_on_the_number_of_threads(recipe, tokens, tmp_path, threads):
    wide = recipe.model_copy(update={"batch_tokens": 64 * 5, "tokens": 64 * 5 * 6})
    found = []
    for count in (1, 2):
        threads(count)
        found.append(weights(run(wide, tokens, tmp_path / str(count))[0]))
        assert torch.get_num_threads() == count
    assert torch.equal(*found)


def test_longer_run_goes_on_from_before_the_decay(recipe, tokens, tmp_path, steps):
    longer = recipe.model_copy(update={"tokens": 64 * 40})
    run(recipe, tokens, tmp_path / "a")
    steps.clear()
    resumed, _ = run(longer, tokens, tmp_path / "a", ("steady", "longer"))
    assert steps == list(range(recipe.steady_steps, 40))
    fresh, _ = run(longer, tokens, tmp_path / "b", ("steady", "longer"))
    assert torch.equal(weights(resumed), weights(fresh))


def test_finished_run_has_nothing_left_to_do(recipe, tokens, tmp_path, steps):
    first, _ = run(recipe, tokens, tmp_path)
    steps.clear()
    second, reached = run(recipe, tokens, tmp_path)
    assert steps == []
    assert reached.step == recipe.steps
    assert torch.equal(weights(first), weights(second))


def test_checkpoint_beyond_the_budget_is_refused(recipe, tokens, tmp_path):
    run(recipe, tokens, tmp_path)
    with pytest.raises(UserError, match="the decay begin after 576"):
        run(recipe.model_copy(update={"tokens": 64 * 12}), tokens, tmp_path, ("steady", "shorter"))


def test_checkpoint_of_another_recipe_is_not_used(recipe, tokens, tmp_path, steps):
    run(recipe, tokens, tmp_path)
    steps.clear()
    run(recipe, tokens, tmp_path, ("other", "other"))
    assert steps == list(range(recipe.steps))


def test_loss_that_is_not_finite_stops_the_run(recipe, tokens, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "train_step", lambda *_: float("nan"))
    with pytest.raises(UserError, match="step 1 is not finite"):
        run(recipe, tokens, tmp_path)
    assert not list(tmp_path.iterdir())
