"""The names of model sizes and constants in GGUF metadata. Reading and writing a file use the same table."""

from __future__ import annotations

KEYS = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "max_position_embeddings": "context_length",
    "head_dim": "attention.key_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "norm_epsilon": "attention.layer_norm_epsilon",
    "sliding_window": "attention.sliding_window",
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
}
"""Metadata keys, without the name of the architecture, by the name of the value in a transformers configuration."""

ROPE_DIMENSIONS, ROPE_BASE, LOCAL_ROPE_BASE = "rope.dimension_count", "rope.freq_base", "rope.freq_base_swa"
ROPE_KIND, ROPE_FACTOR = "rope.scaling.type", "rope.scaling.factor"
ROPE_ORIGINAL = "rope.scaling.original_context_length"
ROPE_DIVISORS = "rope_freqs.weight"
"""The tensor with the divisor of each frequency, in the files of Llama 3.1 and later."""
END_IDS = tuple(f"tokenizer.ggml.{name}_token_id" for name in ("eos", "eot", "eom"))
"""The keys that declare tokens at which an answer ends."""
SPECIAL_IDS = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
"""The names of special tokens in `tokenizer.ggml.NAME_token_id`, by their names in transformers."""
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""The values of `tokenizer.ggml.token_type`."""
