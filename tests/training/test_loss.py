"""The loss of a batch: transformers' own, with or without all its logits at once."""

import pytest
import torch
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from codetune.models.logits import logits_at
from codetune.training import loss as loss_module
from codetune.training.data import collate, pack
from codetune.training.lora import add_adapter
from codetune.training.loss import batch_loss
from tests.support.training import lora

SHAPE = {
    "vocab_size": 416, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512, "initializer_range": 0.2,
    "pad_token_id": 0,
}  # fmt: skip


@pytest.fixture
def small_parts(monkeypatch):
    """So that a batch has many, the last of them smaller."""
    monkeypatch.setattr(loss_module, "_ROWS", 13)


def random_model(family, **changes):
    torch.manual_seed(7)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **(SHAPE | changes)))


def adapted(model, **changes):
    """The model with an adapter that does something."""
    model = add_adapter(model, lora(**changes), seed=7).eval()
    generator = torch.Generator().manual_seed(8)
    for name, weight in model.named_parameters():
        if ".lora_B." in name:
            weight.data.copy_(torch.randn(weight.shape, generator=generator) / 10)
    return model


def with_gradients(model, loss):
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return [loss, *torch.autograd.grad(loss / 7, weights)]


def by_all_logits(model, batch):
    logits = logits_at(model, batch.input_ids, batch.positions, batch.position_ids)
    return with_gradients(model, functional.cross_entropy(logits, batch.targets, reduction="sum"))


def rows_of_logits(model, compute):
    """How many rows the output layer was asked for at once, each time."""
    seen = []
    layer = model.get_output_embeddings()
    handle = layer.register_forward_hook(lambda _layer, _arguments, output: seen.append(output.flatten(0, -2).shape[0]))
    compute()
    handle.remove()
    return seen


def test_it_is_that_of_transformers(base, rows):
    batch = collate(rows[:4], 0)
    length = batch.input_ids.shape[1]
    labels = torch.tensor([row.labels + [-100] * (length - len(row.labels)) for row in rows[:4]])
    mask = torch.tensor([[1] * len(row.labels) + [0] * (length - len(row.labels)) for row in rows[:4]])
    expected = base.model(input_ids=batch.input_ids, attention_mask=mask, labels=labels).loss
    assert batch_loss(base.model, batch).item() / len(batch.targets) == pytest.approx(expected.item(), rel=1e-5)


def test_padding_does_not_change_a_rows_loss(base, rows):
    short = min(rows, key=lambda row: len(row.input_ids))
    batch = collate([short, max(rows, key=lambda row: len(row.input_ids))], 0)
    alone = collate([short], 0)
    count = len(alone.targets)
    together = batch_loss(base.model, collate([short], 0)).item() / count
    logits = logits_at(base.model, batch.input_ids, batch.positions)[:count]
    assert functional.cross_entropy(logits, batch.targets[:count]).item() == pytest.approx(together, rel=1e-5)


@pytest.mark.parametrize("collate_fn", [pack, lambda rows: collate(rows, 0)], ids=["packed", "padded"])
def test_part_by_part_it_has_the_gradients_of_all_logits(base, rows, small_parts, collate_fn):
    model, batch = adapted(base.model), collate_fn(rows[:3])
    found = with_gradients(model, batch_loss(model, batch))
    for one, other in zip(found, by_all_logits(model, batch), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_the_model_computes_the_logits_of_one_place_alone(base, rows):
    model, batch = adapted(base.model), collate(rows[:3], 0)
    assert rows_of_logits(model, lambda: batch_loss(model, batch)) == [1, 1, 1]  # tried once, in two ways
    assert rows_of_logits(model, lambda: batch_loss(model, batch)) == [1]
    with torch.no_grad():
        assert rows_of_logits(model, lambda: batch_loss(model, batch)) == [1]


def test_it_is_the_same_with_and_without_gradients(base, rows, small_parts):
    model, batch = adapted(base.model), collate(rows[:3], 0)
    with torch.no_grad():
        without = batch_loss(model, batch)
    assert torch.equal(without, batch_loss(model, batch).detach())


def test_what_follows_the_output_layer_stays_in_force(rows, small_parts):
    model = adapted(random_model("gemma2", final_logit_softcapping=3.0))
    batch = collate(rows[:3], 0)
    assert rows_of_logits(model, lambda: batch_loss(model, batch)) == [1, 1, len(batch.targets)]
    assert rows_of_logits(model, lambda: batch_loss(model, batch)) == [len(batch.targets)]
    found = with_gradients(model, batch_loss(model, batch))
    assert all(torch.equal(*pair) for pair in zip(found, by_all_logits(model, batch), strict=True))


def test_the_first_batch_draws_no_other_dropout_than_the_next(rows):
    model = adapted(random_model("llama"), dropout=0.5).train()
    losses = []
    for _ in range(2):
        torch.manual_seed(9)
        losses.append(batch_loss(model, collate(rows[:3], 0)))
    assert torch.equal(*losses)


@pytest.mark.parametrize("by_peft", [True, False])
def test_an_output_layer_that_is_trained_gets_its_gradient(rows, by_peft):
    untied = random_model("llama", tie_word_embeddings=False)
    model, batch = adapted(untied, modules_to_save=["lm_head"] if by_peft else []), collate(rows[:3], 0)
    model.get_output_embeddings().weight.requires_grad_()
    found = with_gradients(model, batch_loss(model, batch))
    assert all(torch.equal(*pair) for pair in zip(found, by_all_logits(model, batch), strict=True))
    assert found[-1].shape == model.get_output_embeddings().weight.shape
    assert found[-1].abs().max() > 0


def test_bfloat16_is_close(base, rows, small_parts):
    model, batch = adapted(base.model), collate(rows[:3], 0)
    exact, coarse = (batch_loss(model, batch, kind) for kind in ("float32", "bfloat16"))
    assert coarse.dtype is torch.float32
    assert coarse.item() == pytest.approx(exact.item(), rel=0.02)
    assert coarse.item() != exact.item()
    torch.autograd.backward(coarse)
