"""Made-up loops, and the loss that makes the model leave them."""

import random

import pytest
import torch

from codetune.pretraining.model import build_model, training_loss
from codetune.pretraining.optimizer import make_optimizers, set_rate
from codetune.pretraining.repetition import repeat


def row(size=64, border=0):
    """Distinct tokens; a document begins at `border`."""
    columns = torch.arange(size + 1)
    positions = torch.where(columns < border, columns, columns - border)
    return columns[:-1] + 2, columns[1:] + 2, positions[:-1]


@pytest.mark.parametrize("border", [0, 8, 20, 31, 32, 40])
@pytest.mark.parametrize("seed", range(40))
def test_end_of_a_text_repeats_what_stands_before_it(seed, border):
    ids, targets, positions, periods = repeat(row(border=border), random.Random(seed))
    assert torch.equal(ids[1:], targets[:-1])
    first = int(periods.nonzero()[0])
    period = int(periods[first])
    assert 6 <= first <= 33
    assert torch.equal(ids[: first + 1], torch.arange(first + 1) + 2), "what comes before is real"
    assert set(periods[first:].tolist()) == {period}
    for place in range(first, 64):
        assert targets[place] == targets[place - period]
    begins = torch.where(positions == 0)[0].tolist()
    assert begins == ([0] if border == 0 or border > first else [0, border]), "no document begins within a loop"
    last = begins[-1]
    assert torch.equal(positions[last:], torch.arange(64 - last))
    assert first + 1 - period > last, "what is repeated stands in one document"


def test_periods_are_short_and_long():
    found = [int(repeat(row(256), random.Random(seed))[3].max()) for seed in range(300)]
    assert min(found) == 1
    assert 40 < max(found) <= 48
    assert sum(period <= 4 for period in found) > 60


def test_gradient_is_that_of_the_loss(recipe):
    torch.manual_seed(3)
    model = build_model(recipe, 1, 0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    ids, targets, positions, periods = (part[None] for part in repeat(row(300), random.Random(1)))
    loss = training_loss(model, ids, targets, positions, periods)
    (3 * loss).backward()
    own = {name: weight.grad for name, weight in model.named_parameters()}
    model.zero_grad()
    model.set_attn_implementation("sdpa")
    chosen = model(input_ids=ids).logits[0].log_softmax(-1).gather(1, targets[0][:, None])[:, 0].exp()
    repeated = periods[0].nonzero()[:, 0]
    earlier = chosen[repeated - periods[0][repeated]].detach()
    losses = -chosen.log()
    losses[repeated] = -(1 - (chosen[repeated] - earlier / 2).abs()).log()
    (3 * losses.mean()).backward()
    assert loss.item() == pytest.approx(losses.mean().item(), rel=1e-5)
    for name, weight in model.named_parameters():
        assert torch.allclose(own[name], weight.grad, atol=1e-5), name


def test_repetition_becomes_less_likely(recipe):
    """Two loops of one kind: trained as text, the tokens become certain; trained as loops, they do not."""
    ids, targets, positions, periods = (part[None] for part in repeat(row(64), random.Random(5)))
    certain = {}
    for shown in (None, periods):
        model = build_model(recipe, 1, 0)
        optimizers = make_optimizers(model, recipe)
        set_rate(optimizers, 1.0)
        for _ in range(30):
            training_loss(model, ids, targets, positions, shown).backward()
            for optimizer in optimizers:
                optimizer.step()
            model.zero_grad()
        model.set_attn_implementation("sdpa")
        chosen = model(input_ids=ids).logits[0].softmax(-1).gather(1, targets[0][:, None])[:, 0]
        certain[shown is None] = chosen[-8:].mean().item()
    assert certain[True] > 0.8
    assert certain[False] < 0.3
