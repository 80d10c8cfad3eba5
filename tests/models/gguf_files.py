"""Small GGUF files made for tests, as llama.cpp's converters make them: random models with the tokenizer of the tests."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from tests.conftest import tiny_tokenizer

# That of SmolLM2, which puts in a system text by itself.
CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

# The shape of a small model of each architecture, and the values that its GGUF file has besides the common ones.
_COMMON = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.2, "tie_word_embeddings": True,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {"head_dim": 16},
    "qwen2": {},
    "qwen3": {"head_dim": 32},
    "phi3": {"tie_word_embeddings": False},
    "starcoder2": {},
    "gemma2": {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 32},
    "gemma3": {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 32, "num_hidden_layers": 7},
}
VALUES: dict[str, dict[str, Any]] = {
    "qwen3": {"attention.key_length": 32, "attention.value_length": 32},
    "gemma2": {
        "attention.key_length": 32, "attention.value_length": 32, "attention.sliding_window": 32,
        "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
    },
    "gemma3": {
        "attention.key_length": 32, "attention.value_length": 32, "attention.sliding_window": 32,
        "rope.freq_base": 1e6,
    },
    "phi3": {"rope.dimension_count": 16},
    "llama": {"rope.dimension_count": 16},
}  # fmt: skip
_MODEL_TYPES = {"gemma3": "gemma3_text"}
_ROTATED = ("attn_q.weight", "attn_k.weight", "attn_q.bias", "attn_k.bias")


def make_tokens() -> tuple[list[str], list[str]]:
    """The tokens and merges of a file: the three special ones of ChatML, then those of the tests' tokenizer."""
    content = json.loads(tiny_tokenizer().backend_tokenizer.to_str())["model"]
    ordered = sorted(content["vocab"], key=content["vocab"].get)
    tokens = [*SPECIAL, *(token for token in ordered if not token.startswith("<|"))]
    return tokens, [" ".join(merge) for merge in content["merges"]]


def make_model(architecture: str = "llama", **changes: Any) -> Any:
    """A random model of an architecture, of the plain class of transformers."""
    shape = _COMMON | {"vocab_size": len(make_tokens()[0])} | SHAPES[architecture] | changes
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[_MODEL_TYPES.get(architecture, architecture)](**shape))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name or name.endswith("bias"):  # these are all ones and zeros, which would hide a mistake
                weight.add_(torch.randn(weight.shape) * 0.1)
    return model.eval()


def metadata(architecture: str, model: Any) -> dict[str, Any]:
    """The metadata of a file, by key."""
    config, (tokens, merges) = model.config, make_tokens()
    own = {
        "context_length": config.max_position_embeddings,
        "block_count": config.num_hidden_layers,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "attention.head_count": config.num_attention_heads,
        "attention.head_count_kv": config.num_key_value_heads,
        "attention.layer_norm_rms_epsilon": getattr(config, "rms_norm_eps", 1e-5),
        "attention.layer_norm_epsilon": getattr(config, "norm_epsilon", 1e-5),
        "vocab_size": config.vocab_size,
        **VALUES.get(architecture, {}),
    }
    return {
        "general.architecture": architecture,
        **{f"{architecture}.{key}": value for key, value in own.items()},
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)),
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.padding_token_id": 2,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": CHATML,
    }


def tensors(architecture: str, model: Any) -> dict[str, np.ndarray]:
    """The weights by the names of llama.cpp, changed as its converters change them."""
    (number,) = (key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(number, model.config.num_hidden_layers)
    found = {}
    for parameter, weight in model.named_parameters():
        stem, _, suffix = parameter.rpartition(".")
        name, values = f"{names.get_name(stem)}.{suffix}", weight.detach().numpy().copy()
        if architecture == "llama" and name.endswith(_ROTATED):
            heads = model.config.num_attention_heads if "attn_q" in name else model.config.num_key_value_heads
            values = values.reshape(heads, 2, -1, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)
        if architecture.startswith("gemma") and name.endswith("norm.weight"):
            values = values + 1
        found[name] = values
    return found


def write_gguf(path: Path, values: dict[str, Any], weights: dict[str, np.ndarray], kind: Kind = Kind.F32) -> Path:
    """Write a file with `values` as metadata; matrices are of `kind`, vectors are float32."""
    writer = gguf.GGUFWriter(path, values["general.architecture"])
    for key, value in values.items():
        if key == "general.architecture":
            continue
        add = {str: writer.add_string, bool: writer.add_bool, float: writer.add_float32, list: writer.add_array}
        add.get(type(value), writer.add_uint32)(key, value)
    for name, weight in weights.items():
        own = kind if weight.ndim > 1 else Kind.F32
        if weight.dtype == np.int8:
            writer.add_tensor(name, weight)
        else:
            writer.add_tensor(name, gguf.quantize(weight, own), raw_dtype=own)
    finish(writer)
    return path


def finish(writer: gguf.GGUFWriter) -> None:
    """Write to the file what the writer was given."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make_gguf(
    path: Path, architecture: str = "llama", kind: Kind = Kind.F32, shape: dict[str, Any] | None = None, **changes: Any
) -> Path:
    """Write a random model of an architecture; its values in `changes` are left out where None."""
    model = make_model(architecture, **(shape or {}))
    values = {key: value for key, value in (metadata(architecture, model) | changes).items() if value is not None}
    return write_gguf(path, values, tensors(architecture, model), kind)
