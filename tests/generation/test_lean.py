"""The lean forward pass: the same logits as the model's own code, and the same bits in any company."""

import pytest
import torch
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.cache_utils import DynamicCache

from codetune.generation.lean import LeanDecoder, decoder
from codetune.numerics import products

SHAPE = {"vocab_size": 400, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2}
FAMILIES = {
    "llama": {"num_attention_heads": 6, "num_key_value_heads": 2},
    "qwen2": {"num_attention_heads": 6, "num_key_value_heads": 3, "tie_word_embeddings": True},
    "mistral": {"num_attention_heads": 4, "num_key_value_heads": 4, "sliding_window": None},
    "llama3": {
        "num_attention_heads": 6, "num_key_value_heads": 1, "head_dim": 16, "attention_bias": True,
        "rope_parameters": {
            "rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 16,
        },
    },
}  # fmt: skip


def made(family):
    torch.manual_seed(3)
    config = AutoConfig.for_model(family.rstrip("3"), initializer_range=0.3, **SHAPE, **FAMILIES[family])
    model = AutoModelForCausalLM.from_config(config).eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight)  # transformers begins with zeros, which would hide that they are left out
    return model


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("packed", [True, False])
def test_the_logits_are_those_of_the_model(family, packed, monkeypatch):
    monkeypatch.setattr(products, "available", lambda: packed)
    model = made(family)
    ids = torch.randint(400, (3, 24))
    lean = decoder(model)
    assert isinstance(lean, LeanDecoder)
    with torch.inference_mode():
        expected = model(input_ids=ids).logits
        whole, parts = DynamicCache(), DynamicCache()
        assert torch.allclose(lean(input_ids=ids, past_key_values=whole).logits[:, 0], expected[:, -1], atol=1e-4)
        lean.base_model(input_ids=ids[:, :9], past_key_values=parts)
        states = lean.base_model(input_ids=ids[:, 9:], past_key_values=parts)
        assert torch.allclose(model.lm_head(states), expected[:, 9:], atol=1e-4)


def test_other_kinds_of_models_are_computed_by_their_own_code():
    shape = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    gemma = AutoModelForCausalLM.from_config(AutoConfig.for_model("gemma2", **SHAPE, **shape))
    halved = made("llama").to(torch.bfloat16)
    adapted = made("llama")
    adapted.model.layers[0].mlp.up_proj = torch.nn.Sequential(adapted.model.layers[0].mlp.up_proj)
    for model in (gemma, halved, adapted):
        assert decoder(model) is model


@pytest.mark.parametrize(("out", "size"), [(960, 576), (1536, 576), (576, 1536), (100, 36), (3000, 576)])
def test_the_bits_of_a_product_do_not_depend_on_threads_or_rows(out, size, same_bits):
    generator = torch.Generator().manual_seed(5)
    weight, x = torch.randn(out, size, generator=generator), torch.randn(520, size, generator=generator)

    def product():
        whole = functional.linear(x, weight)
        packed = products.pack(weight, 64)
        for rows in (8, 16, 32, 64, 128, 520):
            assert torch.equal(products.packed_linear(x[:rows], packed, None), whole[:rows]), rows
        return whole

    same_bits(product)


def test_the_bits_of_attention_do_not_depend_on_threads_rows_or_columns(same_bits):
    """Three query heads share a head of keys; what is masked, and how much of it, changes nothing."""
    generator = torch.Generator().manual_seed(5)
    shapes = ((4, 9, 1, 64), (4, 3, 320, 64), (4, 3, 320, 64))
    query, keys, values = (torch.randn(shape, generator=generator) for shape in shapes)

    def attended(rows, columns):
        mask = torch.zeros(4, 1, 1, columns)
        mask[..., 70:] = torch.finfo(torch.float32).min
        return functional.scaled_dot_product_attention(
            query[rows], keys[rows, :, :columns], values[rows, :, :columns], mask[rows], enable_gqa=True
        )

    def attention():
        whole = attended(slice(None), 96)
        for columns in (96, 128, 320):
            assert torch.equal(attended(slice(None), columns), whole), columns
            assert torch.equal(attended(slice(1, 2), columns)[0], whole[1]), columns
        return whole

    same_bits(attention)


def test_packed_weights_take_a_bias():
    weight, bias, x = torch.randn(40, 16), torch.randn(40), torch.randn(8, 16)
    expected = functional.linear(x, weight, bias)
    assert torch.allclose(products.packed_linear(x, products.pack(weight, 8), bias), expected, atol=1e-5)
