"""Make the transformers configuration of a model in a GGUF file.

Each supported architecture was compared with llama.cpp on random weights. No other architecture is supported: if a
default of transformers differs from the file, the model silently gives wrong answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from codetune.core.errors import UserError, error_text
from codetune.models.gguf.header import GgufFile
from codetune.models.gguf.keys import (
    KEYS,
    LOCAL_ROPE_BASE,
    ROPE_BASE,
    ROPE_DIMENSIONS,
    ROPE_DIVISORS,
    ROPE_FACTOR,
    ROPE_KIND,
    ROPE_ORIGINAL,
)
from codetune.models.gguf.tokenizer import end_ids

_GEMMA2_27B_LAYERS, _GEMMA3_27B_LAYERS = 46, 62
_LLAMA3_LOW, _LLAMA3_HIGH, _LLAMA3_ORIGINAL = 1.0, 4.0, 8192  # of all Llama versions from 3.1 that scale positions
_SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers", "max_position_embeddings")
_FETCH_AGAIN = "Download the file again, or use another model."


def make_config(file: GgufFile) -> Any:
    """Return the configuration of a causal language model, from the metadata of the file.

    :raises UserError: when the architecture or its position scaling is not supported, or a value is missing.
    """
    from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING

    if file.architecture not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise file.make_error(f"has the architecture {file.architecture}, expected one of {known}")
    family = ARCHITECTURES[file.architecture]
    try:
        values = _common(file) | family.read(file)
    except KeyError as error:
        raise file.make_error(f"lacks the value {error.args[0]}", "Convert the model with a newer llama.cpp.") from None
    try:
        config = CONFIG_MAPPING[family.model_type](**values)
    except Exception as error:
        raise UserError(
            f"model.base: the metadata values of {file.path} do not fit together: {error_text(error)}",
            _FETCH_AGAIN,
        ) from None
    config.architectures = [MODEL_FOR_CAUSAL_LM_MAPPING[type(config)].__name__]
    return config


def make_generation_config(file: GgufFile) -> Any:
    """Return the generation configuration: the special tokens of the file, and every token that ends a turn."""
    from transformers import GenerationConfig

    return GenerationConfig(**_special_ids(file) | {"eos_token_id": end_ids(file) or None})


def _special_ids(file: GgufFile) -> dict[str, int | None]:
    names = {"bos_token_id": "bos", "eos_token_id": "eos", "pad_token_id": "padding"}
    return {name: file.metadata.get(f"tokenizer.ggml.{key}_token_id") for name, key in names.items()}


def head_size(file: GgufFile) -> int:
    """Return the number of dimensions of one attention head.

    :raises KeyError: when the file lacks a value.
    """
    heads = _required(file, "num_attention_heads")
    return int(file.get(KEYS["head_dim"]) or _required(file, "hidden_size") // heads)


def _required(file: GgufFile, name: str) -> int:
    key = KEYS[name]
    value = file.get(key)
    if value is None:
        raise KeyError(f"{file.architecture}.{key}")
    if isinstance(value, list):
        raise file.make_error(
            f"has layers with different values of {key}, which is not supported", "Use another model."
        )
    return int(value)


def _common(file: GgufFile) -> dict[str, Any]:
    """Return the values that all architectures share."""
    heads = _required(file, "num_attention_heads")
    embeddings = file.tensors.get("token_embd.weight")
    if embeddings is None:
        raise file.make_error("holds no tensor token_embd.weight", "Use the file of a language model.")
    _check_layers(file)
    return {
        **{name: _required(file, name) for name in _SIZES},
        "num_attention_heads": heads,
        "num_key_value_heads": heads if file.get(KEYS["num_key_value_heads"]) is None else
        _required(file, "num_key_value_heads"),
        "vocab_size": embeddings.shape[0],
        "tie_word_embeddings": "output.weight" not in file.tensors,
        "rope_parameters": rope_parameters(file),
        **_special_ids(file),
    }  # fmt: skip


def _check_layers(file: GgufFile) -> None:
    """Check that the file has tensors of as many layers as its metadata say.

    :raises UserError: when the numbers differ.
    """
    said = _required(file, "num_hidden_layers")
    found = len({name.split(".")[1] for name in file.tensors if name.startswith("blk.")})
    if said != found:
        raise file.make_error(f"says that it has {said} layers, but holds tensors of {found}", _FETCH_AGAIN)


def rope_parameters(file: GgufFile) -> dict[str, Any]:
    """Return the parameters of the rotary position embedding (RoPE).

    :raises UserError: when the file uses a kind of position scaling that is not supported.
    """
    turned = file.get(ROPE_DIMENSIONS, head_size(file))
    if turned != head_size(file) and file.architecture != "phi3":
        raise file.make_error(f"rotates {turned} of the {head_size(file)} dimensions of a head, which is not supported")
    theta = float(file.get(ROPE_BASE, 10000.0))
    kind = file.get(ROPE_KIND, "none")
    factor = file.get(ROPE_FACTOR)
    if kind in {"linear", "yarn"} and factor:
        scaled = {"rope_type": kind, "rope_theta": theta, "factor": float(factor)}
        original = file.get(ROPE_ORIGINAL)
        return scaled | ({"original_max_position_embeddings": original} if kind == "yarn" and original else {})
    if kind not in {"none", "linear"} or any(name.startswith("rope_factors_") for name in file.tensors):
        name = "longrope" if kind == "none" else kind
        raise file.make_error(f"uses the position scaling {name}, which is not supported")
    if ROPE_DIVISORS in file.tensors:
        return _llama3_rope(file, theta)
    return {"rope_type": "default", "rope_theta": theta}


def _llama3_rope(file: GgufFile, theta: float) -> dict[str, Any]:
    """Return the position scaling of Llama 3.1 and later. The file stores the divisor of each frequency.

    The parameters are computed back from the divisors (formula: https://huggingface.co/papers/2407.21783). The largest
    divisor is the factor, and the other divisors must agree with the formula.
    """
    stored = file.raw(ROPE_DIVISORS).reshape(-1).view(np.float32).astype(np.float64)
    factor = float(stored.max())
    wavelengths = 2 * np.pi * theta ** (np.arange(len(stored)) / len(stored))
    share = np.clip((_LLAMA3_ORIGINAL / wavelengths - _LLAMA3_LOW) / (_LLAMA3_HIGH - _LLAMA3_LOW), 0, 1)
    if not np.allclose(1 / ((1 - share) / factor + share), stored, rtol=1e-3):
        raise file.make_error("uses a position scaling that differs from Llama 3, which is not supported")
    return {
        "rope_type": "llama3", "rope_theta": theta, "factor": factor, "low_freq_factor": _LLAMA3_LOW,
        "high_freq_factor": _LLAMA3_HIGH, "original_max_position_embeddings": _LLAMA3_ORIGINAL,
    }  # fmt: skip


def _rms(file: GgufFile) -> dict[str, Any]:
    """Return the epsilon of RMS normalisation and the size of a head."""
    key = KEYS["rms_norm_eps"]
    if file.get(key) is None:
        raise KeyError(f"{file.architecture}.{key}")
    return {"rms_norm_eps": file.get(key), "head_dim": head_size(file)}


def _llama(file: GgufFile) -> dict[str, Any]:
    biased = {"attention_bias": "blk.0.attn_q.bias", "mlp_bias": "blk.0.ffn_down.bias"}
    return _rms(file) | {name: tensor in file.tensors for name, tensor in biased.items()}


def _qwen2(file: GgufFile) -> dict[str, Any]:
    return {"rms_norm_eps": _rms(file)["rms_norm_eps"]}


def _phi3(file: GgufFile) -> dict[str, Any]:
    share = file.get(ROPE_DIMENSIONS, head_size(file)) / head_size(file)
    return {
        "rms_norm_eps": _rms(file)["rms_norm_eps"],
        "sliding_window": file.get(KEYS["sliding_window"]) or None,
        "rope_parameters": rope_parameters(file) | {"partial_rotary_factor": share},
        "original_max_position_embeddings": _required(file, "max_position_embeddings"),
    }


def _starcoder2(file: GgufFile) -> dict[str, Any]:
    return {"norm_epsilon": file.get(KEYS["norm_epsilon"], 1e-5), "sliding_window": None}


def _gemma2(file: GgufFile) -> dict[str, Any]:
    return _rms(file) | {
        "sliding_window": _required(file, "sliding_window"),
        "attn_logit_softcapping": file.get(KEYS["attn_logit_softcapping"], 50.0),
        "final_logit_softcapping": file.get(KEYS["final_logit_softcapping"], 30.0),
        "query_pre_attn_scalar": _query_scale(file, _GEMMA2_27B_LAYERS),
    }


def _gemma3(file: GgufFile) -> dict[str, Any]:
    local = {"rope_type": "default", "rope_theta": float(file.get(LOCAL_ROPE_BASE, 10000.0))}
    return _rms(file) | {
        "sliding_window": _required(file, "sliding_window"),
        "query_pre_attn_scalar": _query_scale(file, _GEMMA3_27B_LAYERS),
        "rope_parameters": {"full_attention": rope_parameters(file), "sliding_attention": local},
    }


def _query_scale(file: GgufFile, layers_of_27b: int) -> int:
    """Return the number whose square root divides the queries.

    It is the size of a head, except in the 27B model of the family.
    """
    if _required(file, "num_hidden_layers") == layers_of_27b:
        return _required(file, "hidden_size") // _required(file, "num_attention_heads")
    return head_size(file)


@dataclass(frozen=True)
class Architecture:
    """An architecture of llama.cpp.

    :param model_type: the family in transformers that a file is read as.
    :param read: returns the values of its configuration, besides the common ones, from a file.
    :param values: names of the values that a file has besides the common ones; `KEYS` has their metadata keys.
    :param also: other families in transformers whose models have the same form.
    """

    model_type: str
    read: Callable[[GgufFile], dict[str, Any]]
    values: tuple[str, ...]
    also: tuple[str, ...] = ()


_RMS = ("rms_norm_eps", "head_dim")
_CAPS = ("attn_logit_softcapping", "final_logit_softcapping")
ARCHITECTURES = {
    "llama": Architecture("llama", _llama, _RMS, also=("mistral",)),
    "qwen2": Architecture("qwen2", _qwen2, ("rms_norm_eps",)),
    "qwen3": Architecture("qwen3", _rms, _RMS),
    "phi3": Architecture("phi3", _phi3, ("rms_norm_eps", "sliding_window")),
    "starcoder2": Architecture("starcoder2", _starcoder2, ("norm_epsilon",)),
    "gemma2": Architecture("gemma2", _gemma2, (*_RMS, "sliding_window", *_CAPS)),
    "gemma3": Architecture("gemma3_text", _gemma3, (*_RMS, "sliding_window")),
}
