"""Make the metadata of a GGUF file from a transformers configuration: the inverse of `codetune.models.gguf.config`."""

from __future__ import annotations

from math import isclose, pi
from typing import Any

import numpy as np

from codetune.models.gguf.config import ARCHITECTURES
from codetune.models.gguf.keys import (
    KEYS,
    LOCAL_ROPE_BASE,
    ROPE_BASE,
    ROPE_DIMENSIONS,
    ROPE_FACTOR,
    ROPE_KIND,
    ROPE_ORIGINAL,
)
from codetune.models.gguf.weights import Values
from codetune.models.gguf_writing.failure import NotConvertibleError

_COMMON = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "max_position_embeddings",
)  # fmt: skip
# Values of a configuration that change no answer, or that other checks compare (special tokens).
_WITHOUT_EFFECT = frozenset(
    {
        "_name_or_path", "architectures", "attention_dropout", "bos_token_id", "chunk_size_feed_forward", "dtype",
        "embd_pdrop", "embedding_dropout", "eos_token_id", "id2label", "initializer_range", "label2id",
        "max_window_layers", "model_type", "original_max_position_embeddings", "output_attentions",
        "output_hidden_states", "pad_token_id", "pretraining_tp", "problem_type", "residual_dropout", "resid_pdrop",
        "return_dict", "torch_dtype", "transformers_version", "use_cache", "_sliding_window_pattern",
    }
)  # fmt: skip
_TOLERANCE = 1e-6  # metadata are float32


def architecture_of(config: Any) -> str:
    """Return the name of the architecture in llama.cpp.

    :param config: the configuration of a model of transformers.
    :raises NotConvertibleError: for a family that is not converted; the message names it.
    """
    family = config.model_type
    for name, architecture in ARCHITECTURES.items():
        if family == architecture.model_type or family in architecture.also:
            return name
    known = sorted(
        {one for architecture in ARCHITECTURES.values() for one in (architecture.model_type, *architecture.also)}
    )
    raise NotConvertibleError(f"the family {family} cannot be converted to GGUF, expected one of {', '.join(known)}")


def config_metadata(config: Any) -> dict[str, Any]:
    """Return the metadata that describe the model.

    :raises NotConvertibleError: when the family or its position scaling cannot be converted.
    """
    architecture = architecture_of(config)
    named = {name: getattr(config, name, None) for name in (*_COMMON, *ARCHITECTURES[architecture].values)}
    named["head_dim"] = head_size(config)
    values = {KEYS[name]: value for name, value in named.items() if value is not None}
    values["attention.value_length"] = named["head_dim"]
    values["vocab_size"] = config.vocab_size
    return {f"{architecture}.{key}": value for key, value in (values | _rope(config)).items()}


def head_size(config: Any) -> int:
    """Return the number of dimensions of one attention head."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _rope(config: Any) -> dict[str, Any]:
    """Return the metadata of the rotary position embedding (RoPE)."""
    rope, local = _global_rope(config), config.rope_parameters.get("sliding_attention")
    kind = rope.get("rope_type", "default")
    turned = int(head_size(config) * rope.get("partial_rotary_factor", 1.0))
    values = {ROPE_DIMENSIONS: turned, ROPE_BASE: float(rope["rope_theta"])}
    if local is not None:
        values[LOCAL_ROPE_BASE] = float(local["rope_theta"])
    if kind in {"linear", "yarn"}:
        values |= {ROPE_KIND: kind, ROPE_FACTOR: float(rope["factor"])}
        original = rope.get("original_max_position_embeddings")
        return values | ({ROPE_ORIGINAL: int(original)} if kind == "yarn" and original else {})
    if kind not in {"default", "llama3"}:
        raise NotConvertibleError(f"the position scaling {kind} cannot be converted to GGUF")
    return values


def _global_rope(config: Any) -> dict[str, Any]:
    rope: dict[str, Any] = config.rope_parameters.get("full_attention", config.rope_parameters)
    return rope


def rope_divisors(config: Any) -> Values | None:
    """Return the divisor of each frequency of a Llama 3.1 or later; None for any other position scaling.

    Formula: https://huggingface.co/papers/2407.21783.
    """
    rope = _global_rope(config)
    if rope.get("rope_type") != "llama3":
        return None
    size, factor = head_size(config), float(rope["factor"])
    low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
    wavelengths = 2 * pi * float(rope["rope_theta"]) ** (np.arange(0, size, 2) / size)
    share = (float(rope["original_max_position_embeddings"]) / wavelengths - low) / (high - low)
    share = np.clip(share, 0, 1)
    return np.asarray(1 / ((1 - share) / factor + share), np.float32)


def config_differences(config: Any, stored: Any) -> list[str]:
    """Return how a configuration that was read back differs, as `name: expected, found`.

    :param config: the configuration of the model.
    :param stored: the configuration that was made from the file.
    """
    expected, found = _comparable(config), _comparable(stored)
    names = sorted((expected.keys() | found.keys()) - _WITHOUT_EFFECT)
    return [
        f"{name}: {expected.get(name)}, found {found.get(name)}"
        for name in names
        if not _same(expected.get(name), found.get(name))
    ]


def _comparable(config: Any) -> dict[str, Any]:
    """Return the values of a configuration, with implied values written out and values without effect left out."""
    values: dict[str, Any] = config.to_dict() | {"head_dim": head_size(config)}
    window = values.get("sliding_window")
    if window and window >= values["max_position_embeddings"] and not values.get("layer_types"):
        values["sliding_window"] = None
    return values


def _same(one: Any, other: Any) -> bool:
    """Compare two values; missing, None and False mean the same, and so do a missing and a whole rotation."""
    if isinstance(one, dict) or isinstance(other, dict):
        one, other = one or {}, other or {}
        return all(_same(one.get(name), other.get(name)) for name in (one.keys() | other.keys()) - _whole(one, other))
    if isinstance(one, float) or isinstance(other, float):
        return one is not None and other is not None and isclose(one, other, rel_tol=_TOLERANCE)
    return bool(one == other or (not one and not other))


def _whole(*ropes: dict[str, Any]) -> set[str]:
    """Return the name of the rotated share of a head, if the whole head is rotated."""
    name = "partial_rotary_factor"
    return {name} if all(rope.get(name, 1.0) == 1.0 for rope in ropes) else set()
