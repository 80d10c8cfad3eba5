"""Logits at chosen positions are those of the whole, for any family of models."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from codetune.models.load import load_model
from codetune.models.logits import logits_at

SHAPE = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,
}
# gemma2 caps its logits after the output layer; gpt2 has a tied output layer and Conv1D projections.
FAMILIES = {"gpt2": {}, "gemma2": {"head_dim": 8, "num_key_value_heads": 2}, "phi": {}}


@pytest.mark.parametrize("family", ["the project's llama", *FAMILIES])
def test_chosen_logits_are_those_of_the_whole(family, tiny_base):
    if family in FAMILIES:
        config = AutoConfig.for_model(family, **SHAPE, **FAMILIES[family])
        model = AutoModelForCausalLM.from_config(config).eval()
    else:
        model = load_model(tiny_base).model
    ids = torch.randint(0, 50, (3, 9), generator=torch.Generator().manual_seed(1))
    positions = torch.tensor([0, 4, 8, 9, 25])
    with torch.inference_mode():
        whole = model(input_ids=ids).logits.flatten(0, 1)[positions]
        chosen = logits_at(model, ids, positions)
        assert model(input_ids=ids).logits.shape[:2] == (3, 9)
    assert torch.allclose(chosen, whole, atol=1e-5)


def test_the_output_layer_sees_only_the_chosen_positions(tiny_base):
    model = load_model(tiny_base).model
    seen = []
    model.get_output_embeddings().register_forward_hook(lambda _layer, arguments, _out: seen.append(arguments[0].shape))
    logits_at(model, torch.ones((4, 20), dtype=torch.long), torch.tensor([3, 50]))
    assert seen == [(1, 2, 32)]


def test_the_hook_is_gone_after_a_failure(tiny_base):
    model = load_model(tiny_base).model
    with pytest.raises(IndexError):
        logits_at(model, torch.tensor([[10_000]]), torch.tensor([0]))
    assert model(input_ids=torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, 400)
