"""Loss, gradients and packing of the small Llama."""

import pytest
import torch
from torch.nn import functional

from codetune.pretraining.attention import blocks_of
from codetune.pretraining.evaluation import file_bits
from codetune.pretraining.model import build_model, token_losses, training_loss


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
    ids = torch.randint(0, 320, (4, 301), generator=torch.Generator().manual_seed(1))
    positions = torch.arange(300).expand(4, 300)
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
        blocks = blocks_of(positions)
        return model.model(input_ids=tokens, position_ids=positions, use_cache=False, blocks=blocks).last_hidden_state

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


def test_gradients_of_packed_documents_are_those_of_each_alone(model):
    ids = torch.randint(2, 320, (1, 401), generator=torch.Generator().manual_seed(2))
    lengths = [150, 20, 230]
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    training_loss(model, ids[:, :-1], ids[:, 1:], positions).backward()
    own = {name: weight.grad for name, weight in model.named_parameters()}
    model.zero_grad()
    model.set_attn_implementation("sdpa")
    parts = zip(torch.split(ids[:, :-1], lengths, 1), torch.split(ids[:, 1:], lengths, 1), strict=True)
    losses = [functional.cross_entropy(model(input_ids=x).logits[0], y[0], reduction="sum") for x, y in parts]
    (sum(losses) / 400).backward()
    for name, weight in model.named_parameters():
        assert torch.allclose(own[name], weight.grad, atol=1e-5), name


def test_blocks_leave_out_what_borders_and_time_hide():
    positions = torch.cat([torch.arange(300), torch.arange(212)])[None]
    blocks = blocks_of(positions)
    spans = [(block.queries.start, block.queries.stop, block.keys.start, block.keys.stop) for block in blocks]
    assert spans == [(0, 128, 0, 128), (128, 256, 0, 256), (256, 384, 0, 384), (384, 512, 300, 512)]
    visible = [int((block.hidden == 0).sum()) for block in blocks]
    assert sum(visible) == 300 * 301 // 2 + 212 * 213 // 2


def test_bits_of_a_file_count_every_token_once(model):
    with torch.inference_mode():
        short = list(range(2, 30))
        tokens = torch.tensor([[1, *short]])
        expected = token_losses(model, tokens[:, :-1], tokens[:, 1:]).sum().item() / torch.tensor(2.0).log().item()
        assert file_bits(model, short, 64) == pytest.approx(expected, rel=1e-5)
        with torch.no_grad():
            model.lm_head.weight.zero_()
        assert file_bits(model, [5] * 500, 64) == pytest.approx(500 * torch.tensor(320.0).log2().item(), rel=1e-5)
