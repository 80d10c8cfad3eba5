"""The parts of a layer that are computed together give what transformers and peft give, and leave them the rest."""

import pytest
import torch

from codetune.models.load import load_model
from codetune.training import lora as tuning
from codetune.training.data import collate
from codetune.training.loss import batch_loss
from tests.support.training import lora
from tests.test_families import make_base
from tests.training.test_layers import steps_of_loss

FUSED = {"_NormBackward", "_GatedBackward", "_HeadsBackward"}


def adapted(base, **changes):
    model = tuning.add_adapter(load_model(base).model, lora(**changes), 7)
    torch.manual_seed(8)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
        if "norm" in name and not weight.requires_grad:
            weight.data.uniform_(0.5, 1.5)
    return model


@pytest.fixture
def batch(rows):
    return collate(rows[:3], 0)


def loss_and_gradients(model, batch):
    loss = batch_loss(model, batch)
    loss.backward()
    return loss, {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3", "phi3", "gemma", "gpt2"])
def test_loss_and_gradients_are_those_of_transformers_and_peft(family, tmp_path, monkeypatch, batch):
    base = make_base(family, tmp_path / "base")
    ours, gradients = loss_and_gradients(adapted(base), batch)
    monkeypatch.setattr("codetune.training.fused.fuse", lambda _model: None)
    theirs, expected = loss_and_gradients(adapted(base), batch)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-4 * float(gradient.abs().max()))


@pytest.mark.parametrize(
    ("family", "changes", "fused"),
    [
        ("llama", {}, FUSED),
        ("llama", {"target_modules": "attention"}, {"_NormBackward", "_HeadsBackward"}),
        ("llama", {"dropout": 0.1}, {"_NormBackward"}),
        ("llama", {"modules_to_save": ["norm"]}, FUSED),
        ("phi3", {}, {"_NormBackward"}),
        ("gemma", {}, set()),
        ("gpt2", {}, set()),
    ],
)
def test_only_what_is_known_is_fused(family, changes, fused, tmp_path, batch):
    model = adapted(make_base(family, tmp_path / "base"), **changes)
    assert steps_of_loss(batch_loss(model, batch)) & FUSED == fused
    assert loss_and_gradients(model, batch)[0].isfinite()


def test_any_number_of_threads_gives_the_same_bits(tmp_path, rows, same_bits):
    model = adapted(make_base("llama", tmp_path / "base"))

    def gradients():
        model.zero_grad(set_to_none=True)
        loss, found = loss_and_gradients(model, collate(rows[:5], 0))
        return loss, *found.values()

    same_bits(gradients)


def test_merged_again_the_model_computes_as_before(tmp_path, batch):
    model = adapted(make_base("llama", tmp_path / "base"))
    with torch.no_grad():
        before = batch_loss(model, batch)
        torch.testing.assert_close(batch_loss(model.merge_and_unload(), batch), before, rtol=1e-5, atol=1e-5)
