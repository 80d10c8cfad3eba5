"""Compare 4-bit weights in llama.cpp with transformers in bfloat16, for random weights in the shape of Llama-3.2-1B.

The model has 1.24 billion parameters and the tokenizer of the embedded base model. It is made from a seed in a
temporary folder. A token of one answer reads all weights once, so memory bandwidth limits its speed.

transformers runs in a process of its own with torch's defaults, without our numerics settings, and generates fewer
tokens, because it takes long; its speed does not depend on their number. `python -m benchmarks.large_model FOLDER` is
that process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from math import prod
from pathlib import Path

from benchmarks.bandwidth import memory_bandwidth
from benchmarks.engines import ANSWER_TOKENS, BASE, answer_speed, line, long_prompts, opened
from codetune.numerics import CONTROLLED

_ROUNDS, _PLAIN_TOKENS = 3, 64
_TIMES_PLAIN, _SHARE = 3.5, 0.5
_SHAPE = {
    "vocab_size": 128_256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 131_072,
    "rms_norm_eps": 1e-5, "tie_word_embeddings": True,
}  # fmt: skip
_ROPE = {
    "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip


def large_model() -> None:
    """Print both speeds and their ratio, the memory bandwidth, and the share of it that the 4-bit weights use."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        weights = write_random_model(place)
        pairs = []
        with opened("llama.cpp", str(place / "model.gguf")) as llama:
            [prompt] = long_prompts([llama], 1)
            for _ in range(_ROUNDS):
                fast = statistics.median(answer_speed(llama, prompt) for _ in range(3))
                bandwidth = memory_bandwidth()
                pairs.append((fast, _plain_speed(place, prompt), bandwidth))
    ratios = sorted(fast / slow for fast, slow, _ in pairs)
    shares = sorted(fast * weights / bandwidth for fast, _, bandwidth in pairs)
    fast, slow, bandwidth = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio, share = statistics.median(ratios), statistics.median(shares)
    line(
        "1.24 B weights: 4 bits in llama.cpp, against bfloat16",
        f"{fast:.1f} against {slow:.2f} tokens/s, {ratio:.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        f"{_TIMES_PLAIN}", reached=ratio >= _TIMES_PLAIN,
    )  # fmt: skip
    print(f"{'memory is read by all cores with':58} {bandwidth / 1e9:.1f} GB/s")
    line(
        f"of it used, with {weights / 1e6:.0f} MB of weights per token",
        f"{share:.2f} ({shares[0]:.2f} to {shares[-1]:.2f})", f"{_SHARE}", reached=share >= _SHARE,
    )  # fmt: skip


def write_random_model(folder: Path) -> int:
    """Write a model with random weights: safetensors in bfloat16, and `model.gguf` with 4 bits.

    :returns: the bytes of the weights in the GGUF file; the embeddings are also the output layer, so each token reads
        all of them.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from codetune.export.gguf.model import write_model
    from codetune.models.load import LoadedModel, load_tokenizer

    torch.manual_seed(7)
    config = LlamaConfig(**_SHAPE, rope_parameters=_ROPE, dtype=torch.bfloat16)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)  # else the weights are made in float32, in twice the memory
    try:
        model = LlamaForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(folder)
    tensors = write_model(folder / "model.gguf", LoadedModel(model, load_tokenizer(BASE), "random"), "Q4_0", {}, None)
    count = sum(prod(tensor.shape) for tensor in tensors)
    size = sum(tensor.size for tensor in tensors)
    print(f"    {count / 1e9:.2f} billion random weights, {8 * size / count:.2f} bits each in model.gguf", flush=True)
    return size


def _plain_speed(folder: Path, prompt: list[int]) -> float:
    """Return the tokens per second of transformers, measured in a new process."""
    environment = {key: value for key, value in os.environ.items() if key not in CONTROLLED}
    command = [sys.executable, "-m", "benchmarks.large_model", str(folder)]
    found = subprocess.run(
        command, env=environment, input=json.dumps(prompt), capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{found.stderr[-2000:]}")
    return float(found.stdout.splitlines()[-1])


def _measured(folder: Path, prompt: list[int]) -> float:
    """Return the tokens per second that an answer of 256 tokens has: the prompt once, and each token as measured."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    ids = torch.tensor([prompt])

    def took(tokens: int) -> float:
        start = time.perf_counter()
        model.generate(ids, attention_mask=torch.ones_like(ids), min_new_tokens=tokens, max_new_tokens=tokens,
                       do_sample=False, eos_token_id=None, pad_token_id=0)  # fmt: skip
        return time.perf_counter() - start

    took(2)  # the first use of each operator takes longer
    reading = took(1)
    per_token = (took(_PLAIN_TOKENS) - reading) / (_PLAIN_TOKENS - 1)
    return ANSWER_TOKENS / (reading + (ANSWER_TOKENS - 1) * per_token)


if __name__ == "__main__":
    sys.stdout.write(f"{_measured(Path(sys.argv[1]), json.loads(sys.stdin.read()))}\n")
