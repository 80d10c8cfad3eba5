"""Loss, gradients and packing of the small Llama."""

import pytest
import torch
from torch.nn import functional

from codetune.pretraining.evaluation import file_bits
from codetune.pretraining.model import build_model, packing_mask, token_losses, training_loss


@pytest.fixture
def model(recipe):
    torch.manual_seed(3)
    model = build_model(recipe, 1, 0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return model


def test_new_model_guesses_uniformly(recipe):
    ids = torch.arange(64)[None]
    assert token_losses(build_model(recipe, 1, 0), ids, ids).allclose(torch.tensor(320.0).log())


def test_loss_and_gradients_are_those_of_torch(model):
    ids = torch.randint(0, 320, (40, 33), generator=torch.Generator().manual_seed(1))
    positions = torch.arange(32).expand(40, 32)
    loss = training_loss(model, ids[:, :-1], ids[:, 1:], positions)
    (3 * loss).backward()
    own = {name: weight.grad for name, weight in model.named_parameters()}
    model.zero_grad()
    model.set_attn_implementation("sdpa")
    logits = model(input_ids=ids[:, :-1]).logits
    expected = functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    (3 * expected).backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    for name, weight in model.named_parameters():
        assert torch.allclose(own[name], weight.grad, atol=1e-5), name


def test_packed_documents_do_not_see_each_other(model):
    ids = torch.randint(2, 320, (1, 20), generator=torch.Generator().manual_seed(2))
    positions = torch.cat([torch.arange(12), torch.arange(8)])[None]

    def hidden(tokens):
        mask = packing_mask(positions)
        return model.model(input_ids=tokens, position_ids=positions, attention_mask=mask).last_hidden_state

    packed = hidden(ids)
    other = ids.clone()
    other[0, 3] = 2 + (ids[0, 3] - 1) % 318
    changed = hidden(other)
    assert torch.equal(changed[:, 12:], packed[:, 12:])
    assert not torch.equal(changed[:, 3:12], packed[:, 3:12])
    assert torch.equal(changed[:, :3], packed[:, :3])
    model.set_attn_implementation("sdpa")
    alone = model.model(input_ids=ids[:, 12:], use_cache=False).last_hidden_state
    assert torch.allclose(packed[:, 12:], alone, atol=1e-5)


def test_bits_of_a_file_count_every_token_once(model):
    with torch.inference_mode():
        short = list(range(2, 30))
        tokens = torch.tensor([[1, *short]])
        expected = token_losses(model, tokens[:, :-1], tokens[:, 1:]).sum().item() / torch.tensor(2.0).log().item()
        assert file_bits(model, short, 64) == pytest.approx(expected, rel=1e-5)
        with torch.no_grad():
            model.lm_head.weight.zero_()
        assert file_bits(model, [5] * 500, 64) == pytest.approx(500 * torch.tensor(320.0).log2().item(), rel=1e-5)
