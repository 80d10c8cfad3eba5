"""The model of a GGUF file: every value as `gguf` dequantises it, in the place where it belongs."""

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind

from codetune.models.gguf.config import ARCHITECTURES
from codetune.models.gguf.header import read_gguf
from codetune.models.gguf.weights import dequantised, load_gguf_model
from tests.conftest import one_line
from tests.models.gguf_files import SHAPES, make_model, metadata, tensors, write_gguf

IDS = torch.arange(40).reshape(2, 20) + 3


def loaded(path):
    return load_gguf_model(read_gguf(path))


def write(path, architecture="llama", kind=Kind.F32, values=None, weights=None, **changes):
    """Write the random model of an architecture, with other values and tensors on top; model and file."""
    model = make_model(architecture, **changes)
    found = tensors(architecture, model) | (weights or {})
    kept = {name: weight for name, weight in found.items() if weight is not None}
    return model, write_gguf(path, metadata(architecture, model) | (values or {}), kept, kind)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_model_is_the_one_that_was_written(tmp_path, architecture):
    original, path = write(tmp_path / "file", architecture)
    model = loaded(path)
    assert type(model) is type(original)
    assert not model.training
    for name, weight in original.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], weight, rtol=0, atol=1e-7)  # gemma's norms: w + 1 - 1
    torch.testing.assert_close(model(IDS).logits, original(IDS).logits, rtol=1e-5, atol=1e-5)


def test_every_architecture_has_a_test():
    assert set(ARCHITECTURES) == set(SHAPES)


@pytest.mark.parametrize("kind", [Kind.F16, Kind.BF16, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q8_0])
def test_weights_are_exactly_what_gguf_dequantises(tmp_path, kind):
    _, path = write(tmp_path / "file", kind=kind)
    state, file = loaded(path).state_dict(), read_gguf(path)
    stored = {tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type) for tensor in gguf.GGUFReader(path).tensors}
    assert {dequantised(file, name).tobytes() for name in stored} == {value.tobytes() for value in stored.values()}
    plain = {
        "token_embd.weight": "model.embed_tokens.weight",
        "blk.1.ffn_down.weight": "model.layers.1.mlp.down_proj.weight",
        "blk.0.attn_v.weight": "model.layers.0.self_attn.v_proj.weight",
        "output_norm.weight": "model.norm.weight",
    }
    for theirs, ours in plain.items():
        assert np.array_equal(state[ours].numpy(), stored[theirs])
    heads = stored["blk.0.attn_q.weight"].reshape(4, 8, 2, 64)  # pairs of rows that llama.cpp rotates lie side by side
    assert np.array_equal(
        state["model.layers.0.self_attn.q_proj.weight"].numpy().reshape(4, 2, 8, 64).swapaxes(1, 2), heads
    )


def test_weights_are_float32_unless_another_type_is_asked_for(tmp_path):
    _, path = write(tmp_path / "file", kind=Kind.Q8_0)
    whole, half = loaded(path), load_gguf_model(read_gguf(path), torch.bfloat16)
    assert {weight.dtype for weight in whole.parameters()} == {torch.float32}
    assert {weight.dtype for weight in half.parameters()} == {torch.bfloat16}
    for name, weight in whole.named_parameters():
        assert torch.equal(half.get_parameter(name), weight.bfloat16())


@pytest.mark.parametrize("tied", [True, False])
def test_embeddings_are_tied_where_the_file_has_one_matrix(tmp_path, tied):
    _, path = write(tmp_path / "file", tie_word_embeddings=tied)
    model = loaded(path)
    assert model.config.tie_word_embeddings is tied
    assert (model.get_output_embeddings().weight is model.get_input_embeddings().weight) is tied


def test_a_vocabulary_may_be_padded(tmp_path):
    original, path = write(tmp_path / "file", vocab_size=500)
    model = loaded(path)
    assert model.config.vocab_size == 500
    assert torch.equal(model(IDS).logits, original(IDS).logits)


def llama3_divisors(theta, factor, head=16):
    """As llama.cpp's converter computes them, one by one."""
    divisors = []
    for place in range(0, head, 2):
        wavelength = 2 * np.pi * theta ** (place / head)
        share = (8192 / wavelength - 1) / (4 - 1)
        middle = 1 / ((1 - share) / factor + share)
        divisors.append(1 if wavelength < 8192 / 4 else factor if wavelength > 8192 else middle)
    return np.array(divisors, np.float32)


LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip
YARN = {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 128}
POSITIONS = {
    "base": ("qwen2", {"rope_type": "default", "rope_theta": 1e6}, {"qwen2.rope.freq_base": 1e6}, {}),
    "linear": (
        "llama", {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0},
        {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4.0}, {},
    ),
    "yarn": (
        "qwen2", YARN,
        {
            "qwen2.rope.freq_base": 1e6, "qwen2.rope.scaling.type": "yarn", "qwen2.rope.scaling.factor": 4.0,
            "qwen2.rope.scaling.original_context_length": 128,
        },
        {},
    ),
    "llama3": (
        "llama", LLAMA3, {"llama.rope.freq_base": 500000.0}, {"rope_freqs.weight": llama3_divisors(500000.0, 32.0)},
    ),
    "partial": (
        "phi3", {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.75},
        {"phi3.rope.dimension_count": 12}, {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", POSITIONS)
def test_positions_are_rotated_as_the_file_says(tmp_path, case):
    architecture, rope, values, weights = POSITIONS[case]
    original, path = write(tmp_path / "file", architecture, values=values, weights=weights, rope_parameters=rope)
    ids = (torch.arange(300) % 300 + 3).reshape(1, -1)
    assert torch.equal(loaded(path)(ids).logits, original(ids).logits)


def test_biases_of_a_llama_are_read(tmp_path):
    original, path = write(tmp_path / "file", attention_bias=True, mlp_bias=True)
    assert torch.equal(loaded(path)(IDS).logits, original(IDS).logits)


BROKEN = {
    "an architecture that is not known": (
        {"general.architecture": "mamba"}, {}, "has the architecture mamba, expected one of gemma2",
    ),
    "longrope": ({"llama.rope.scaling.type": "longrope"}, {}, "uses the position scaling longrope"),
    "factors of longrope": ({}, {"rope_factors_long.weight": np.ones(8, np.float32)}, "uses the position scaling longrope"),
    "frequencies of another kind": ({}, {"rope_freqs.weight": np.arange(1, 9, dtype=np.float32)}, "position scaling that differs from Llama 3"),
    "no layers": ({"llama.block_count": None}, {}, "lacks the value llama.block_count"),
    "layers that differ": ({"llama.attention.head_count_kv": [1, 2]}, {}, "layers with different values of attention.head_count_kv"),
    "more layers than tensors": ({"llama.block_count": 3}, {}, "says that it has 3 layers, but holds tensors of 2"),
    "rotations of half a head": ({"llama.rope.dimension_count": 8}, {}, "rotates 8 of the 16 dimensions of a head"),
    "a width that heads cannot share": ({"llama.attention.head_count": 3, "llama.rope.dimension_count": 21}, {}, "values of .* do not fit together"),
    "a tensor too few": ({}, {"blk.1.attn_k.weight": None}, r"lacks 1 tensors, such as blk.1.attn_k.weight"),
    "experts": (
        {}, {"blk.0.ffn_gate_exps.weight": np.ones((2, 96, 64), np.float32)}, r"holds 1 tensors, such as blk.0.ffn_gate_exps",
    ),
    "no embeddings": ({}, {"token_embd.weight": None}, "holds no tensor token_embd.weight"),
    "another width": ({"llama.feed_forward_length": 100}, {}, r"the tensor blk.0.ffn_gate.weight has the shape \(96, 64\)"),
    "a tensor that gguf cannot read": ({}, {"blk.0.attn_v.weight": np.ones((32, 64), np.int8)}, "as I8, which cannot be"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_model_that_cannot_be_loaded_is_one_line(tmp_path, case):
    values, weights, message = BROKEN[case]
    model = make_model()
    kept = {key: value for key, value in (metadata("llama", model) | values).items() if value is not None}
    found = {name: value for name, value in (tensors("llama", model) | weights).items() if value is not None}
    path = write_gguf(tmp_path / "file", kept, found)
    with one_line(message, path):
        loaded(path)
