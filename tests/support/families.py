"""Try tiny random models of each family of causal models in transformers, and write the table of docs/families.md.

`python -m tests.support.families` tries all of them and writes the table again. With names of families as arguments, it
tries these alone and only prints the outcomes.
"""

from __future__ import annotations

# isort: off
import tests.conftest  # noqa: F401 - must be first: it fixes the numerics before torch is imported

# isort: on

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from codetune.core.errors import UserError
from codetune.core.files import read_json, read_jsonl
from codetune.export.merge import merge, plain_logits, rounding, save_merged
from codetune.models.load import load_model
from codetune.models.prompt import prompt_ids
from codetune.training.base_check import check_batched_answers
from stages import train
from tests.conftest import ROOT, ROWS_FILE, tiny_tokenizer
from tests.support.training import inputs_in, outputs_in, params

PAGE = ROOT / "docs" / "families.md"
WORKS = "yes"
_GROUPED = {"num_key_value_heads": 2}
_SIZED = {**_GROUPED, "head_dim": 8}
_WINDOW = {"sliding_window": 24}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
_ROUTED = {
    "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "first_k_dense_replace": 1,
    "n_group": 1, "topk_group": 1, "n_shared_experts": 1,
}  # fmt: skip
_LATENT = {
    "kv_lora_rank": 8, "q_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8,
    "num_key_value_heads": 4,
}  # fmt: skip
_GPT = {"n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 512}
_SSM = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1, "mamba_d_state": 8}
_FULL = ["full_attention", "full_attention"]
SHAPES: dict[str, dict[str, Any]] = {
    "apertus": _GROUPED,
    "arcee": _GROUPED,
    "bamba": {**_GROUPED, **_SSM, "attn_layer_indices": [1]},
    "biogpt": {},
    "bitnet": _GROUPED,
    "bloom": {"n_head": 4, "n_layer": 2},
    "codegen": {**_GPT, "rotary_dim": 4},
    "cohere": {**_GROUPED, "logit_scale": 0.1},
    "cohere2": {**_GROUPED, **_WINDOW, "logit_scale": 0.1},
    "ctrl": {**_GPT, "dff": 48},
    "deepseek_v2": {**_ROUTED, **_LATENT},
    "deepseek_v3": {**_ROUTED, **_LATENT},
    "diffllama": _GROUPED,
    "doge": _GROUPED,
    "ernie4_5": _SIZED,
    "ernie4_5_moe": {**_SIZED, "moe_num_experts": 4, "moe_k": 2, "moe_intermediate_size": 24},
    "exaone4": {**_GROUPED, **_WINDOW},
    "falcon": {},
    "falcon_h1": {**_GROUPED, **_SSM, "mamba_n_heads": 4, "mamba_d_ssm": 32, "mamba_expand": 1},
    "falcon_mamba": {"state_size": 8, "time_step_rank": 4},
    "flex_olmo": {**_GROUPED, "num_experts": 4, "num_experts_per_tok": 2},
    "gemma": {"head_dim": 8, "num_key_value_heads": 1},
    "gemma2": {**_SIZED, **_WINDOW},
    "gemma3_text": {**_SIZED, **_WINDOW, "layer_types": ["sliding_attention", "full_attention"]},
    "glm": _SIZED,
    "glm4": _SIZED,
    "glm4_moe": {**_SIZED, **_ROUTED},
    "gpt2": _GPT,
    "gpt_bigcode": _GPT,
    "gpt_neo": {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 24},
    "gpt_neox": {},
    "gpt_neox_japanese": {},
    "gpt_oss": {**_SIZED, **_WINDOW, "num_local_experts": 4},
    "gptj": {**_GPT, "rotary_dim": 4},
    "granite": _GROUPED,
    "granitemoe": {**_GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2},
    "granitemoehybrid": {
        **_GROUPED, **_SSM, "num_local_experts": 4, "num_experts_per_tok": 2, "shared_intermediate_size": 48,
        "layer_types": ["mamba", "attention"],
    },
    "helium": _SIZED,
    "hunyuan_v1_dense": _SIZED,
    "hunyuan_v1_moe": {**_SIZED, "num_experts": 4, "moe_topk": 2},
    "jamba": {
        **_GROUPED, "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
        "num_experts": 2, "use_mamba_kernels": False, "mamba_d_state": 8, "mamba_dt_rank": 4,
    },
    "jetmoe": {**_GROUPED, "num_local_experts": 4, "kv_channels": 8},
    "lfm2": {**_GROUPED, "layer_types": ["conv", "full_attention"]},
    "llama": _GROUPED,
    "llama4_text": {
        **_SIZED, "num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 48, "layer_types": _FULL,
    },
    "mamba": {"state_size": 8},
    "mamba2": {"state_size": 8, "num_heads": 8, "head_dim": 8, "n_groups": 1},
    "minimax": {**_SIZED, "num_local_experts": 4, "layer_types": ["linear_attention", "full_attention"]},
    "mistral": {**_GROUPED, **_WINDOW},
    "mixtral": {**_GROUPED, "num_local_experts": 4},
    "mpt": {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 512},
    "nemotron": _GROUPED,
    "olmo": _GROUPED,
    "olmo2": _GROUPED,
    "olmo3": {**_GROUPED, **_WINDOW},
    "olmoe": {**_GROUPED, "num_experts": 4, "num_experts_per_tok": 2},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 16},
    "persimmon": {},
    "phi": {},
    "phi3": {**_GROUPED, **_WINDOW},
    "phimoe": {**_GROUPED, "num_local_experts": 4},
    "qwen2": _GROUPED,
    "qwen2_moe": {**_GROUPED, **_EXPERTS, "shared_expert_intermediate_size": 24},
    "qwen3": _SIZED,
    "qwen3_moe": {**_SIZED, **_EXPERTS, "decoder_sparse_step": 1, "mlp_only_layers": []},
    "qwen3_next": {
        **_SIZED, **_EXPERTS, "shared_expert_intermediate_size": 24, "linear_num_value_heads": 4,
        "linear_num_key_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
        "layer_types": ["linear_attention", "full_attention"],
    },
    "recurrent_gemma": {
        "num_hidden_layers": 3, "num_key_value_heads": 1, "head_dim": 8, "attention_window_size": 64, "lru_width": 32,
    },
    "rwkv": {"attention_hidden_size": 32},
    "seed_oss": _SIZED,
    "smollm3": _GROUPED,
    "stablelm": _GROUPED,
    "starcoder2": {**_GROUPED, **_WINDOW},
    "vaultgemma": {**_SIZED, **_WINDOW},
    "xglm": {"d_model": 32, "num_layers": 2, "ffn_dim": 48, "attention_heads": 4},
}  # fmt: skip


def make_family(name: str, folder: Path, **changes: Any) -> Path:
    """Write a random model of a family with two layers, and a tokenizer. Return the folder."""
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    shape = {
        "vocab_size": 416, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": 512, "initializer_range": 0.2,
        "tie_word_embeddings": False, "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **shape | SHAPES.get(name, {}) | changes))
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def outcome(name: str, root: Path, **changes: Any) -> tuple[str, str]:
    """Train, answer and export with a tiny model of a family.

    :param changes: changed values of the section `train`.
    :returns: WORKS and what gets an adapter, or `no` and the error message.
    """
    base = make_family(name, root / "base")
    rows = sorted(read_jsonl(ROWS_FILE), key=lambda row: len(row["completion"]) + len(row["instruction"]))[:5]
    inputs, outputs = inputs_in(root, rows[:4], rows[4:]), outputs_in(root)
    given = params(base, max_tokens=300, batch_size=2, max_steps=1, learning_rate=1e-3, **changes)
    try:
        train.run(given, inputs, outputs)
        merged, *_ = merge(load_model(base), outputs.adapter, _prompts(base, rows), [])
    except UserError as error:
        return "no", str(error).replace(str(base), "the base")
    check_batched_answers(merged, _prompts(base, rows))
    save_merged(merged, root / "export", "float32")
    ids = _prompts(base, rows)[0]
    wanted = plain_logits(merged.model, ids)
    found = plain_logits(load_model(root / "export").model, ids)
    if not (found - wanted).abs().max() <= rounding(merged.model, wanted.abs().max().item()):
        return "no", "the export, read back, has other logits"
    summary = read_json(outputs.training / "summary.json")["trainable"]
    beside = [f"{summary[key]} {what}" for key, what in _BESIDE.items() if key in summary]
    return WORKS, ", ".join([f"{summary['module_count']} linear modules", *beside])


_BESIDE = {"frozen_experts": "tensors of experts stay frozen", "left_out": "left out"}


def _prompts(base: Path, rows: list[dict[str, Any]]) -> list[list[int]]:
    tokenizer = load_model(base).tokenizer
    return [prompt_ids(tokenizer, row["instruction"]) for row in rows[:3]]


def table(outcomes: dict[str, tuple[str, str]]) -> str:
    """Return the text of the page: families that work, and families that are refused, with the reason."""
    lines = [
        "# Families of base models",
        "",
        "`python -m tests.support.families` writes this page. It tries a tiny random model of each family in transformers: it",
        "trains the model with `train.lora.target_modules: all-linear`, compares its answers in a batch with those of the",
        "model's own code, exports it, and loads the export. `make test-long` checks the whole table, and `make test` a few of",
        "its rows. `train` tries a base of any other family in the same way, in its first seconds.",
        "",
        "| family | trains, answers, exports | with two layers |",
        "|---|---|---|",
    ]
    return (
        "\n".join([*lines, *(f"| {name} | {state} | {told} |" for name, (state, told) in sorted(outcomes.items()))])
        + "\n"
    )


def read_table() -> dict[str, tuple[str, str]]:
    """Return the outcome of each family that the page shows."""
    rows = re.findall(r"^\| (\w+) \| (yes|no) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: (state, told) for name, state, told in rows}


def main() -> None:
    """Try the families named on the command line, or all."""
    found = {}
    for name in sys.argv[1:] or SHAPES:
        with TemporaryDirectory() as folder:
            found[name] = outcome(name, Path(folder))
        sys.stdout.write(f"{name} {' '.join(found[name])}\n")
    if not sys.argv[1:]:
        PAGE.write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
