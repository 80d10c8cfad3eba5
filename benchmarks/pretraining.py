"""Pretraining steps: ours against transformers' Trainer with the same model and batch, and against the processor.

Run as a process of its own, `python -m benchmarks.pretraining`: with the numerics of `make base`, which are fast.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from codetune import numerics
from codetune.config import load_section

numerics.fix(load_section(numerics.NumericsParams).model_copy(update={"mode": "fast"}))

import torch  # noqa: E402
from transformers import LlamaForCausalLM, Trainer, TrainingArguments  # noqa: E402

from benchmarks.timing import compare, matrix_peak, seconds  # noqa: E402
from codetune.pretraining.corpus import Stream  # noqa: E402
from codetune.pretraining.device import choose_device  # noqa: E402
from codetune.pretraining.loop import train_step  # noqa: E402
from codetune.pretraining.mixture import Mixture  # noqa: E402
from codetune.pretraining.model import build_model  # noqa: E402
from codetune.pretraining.optimizer import make_optimizers  # noqa: E402
from codetune.pretraining.params import PretrainParams  # noqa: E402

_STEPS = 4
_TRIES = 3


def _tokens(params: PretrainParams) -> Stream:
    """Random tokens in documents of half a context: the work does not depend on which tokens they are."""
    size = params.batch_tokens * _STEPS + 1
    ids = torch.randint(params.vocab_size, (size,), generator=torch.Generator().manual_seed(1))
    return Stream(ids.int(), torch.arange(size) % (params.context // 2))


def _trainer(model: LlamaForCausalLM, stream: Stream, params: PretrainParams, folder: str) -> Trainer:
    rows: Any = [{"input_ids": ids, "labels": ids} for ids in stream.ids[:-1].long().view(-1, params.context)]
    arguments = TrainingArguments(
        output_dir=folder, max_steps=_STEPS, per_device_train_batch_size=params.batch_tokens // params.context,
        learning_rate=1e-3, save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True,
        bf16=False,
    )  # fmt: skip
    return Trainer(model=model, args=arguments, train_dataset=rows)


def _operations(model: LlamaForCausalLM, params: PretrainParams) -> float:
    """Multiplications and additions of one step, forward and backward, attention to what comes later left out."""
    weights = sum(value.numel() for value in model.parameters()) - model.model.embed_tokens.weight.numel()
    attention = 2 * params.layers * params.hidden_size * params.context // 2
    return float(6 * params.batch_tokens * (weights + attention))


def _name(dtype: torch.dtype) -> str:
    return torch.finfo(dtype).dtype


def pretraining() -> None:
    """A few steps of the recipe in params.yaml: ours in the precision that is chosen here, the Trainer in float32."""
    device = choose_device("fast")
    params = load_section(PretrainParams, Path("params.yaml"))
    stream = _tokens(params)
    mixture = Mixture(stream, stream)
    model = build_model(params, 1, 0)
    optimizers = make_optimizers(model, params)
    plain = build_model(params, 1, 0)
    plain.set_attn_implementation("sdpa")
    train_step(model, optimizers, mixture, 0, params, device)
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(plain, stream, params, folder)
        compare(
            f"{_STEPS} pretraining steps in {_name(device.precision)}, against Trainer in float32",
            lambda: [train_step(model, optimizers, mixture, step, params, device) for step in range(_STEPS)],
            trainer.train,
        )
    fastest = min(seconds(lambda: train_step(model, optimizers, mixture, 0, params, device)) for _ in range(_TRIES))
    print(f"{'pretraining, tokens per second':58} {params.batch_tokens / fastest:5,.0f}")
    for dtype in (torch.float32, torch.bfloat16):
        # Without instructions for bfloat16 its products are emulated, a hundred times as slowly: small ones are enough.
        peak = matrix_peak(dtype, 2048 if dtype in (torch.float32, device.precision) else 512)
        share = _operations(model, params) / fastest / peak
        print(f"{f'share of the measured {_name(dtype)} matrix peak, pretraining':58} {share:5.0%}")


if __name__ == "__main__":
    pretraining()
