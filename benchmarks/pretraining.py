"""Pretraining steps: ours against transformers' Trainer with the same model and batch, and against the processor."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM, Trainer, TrainingArguments

from benchmarks.timing import compare, seconds
from codetune.config import load_section
from codetune.pretraining.corpus import Stream
from codetune.pretraining.loop import train_step
from codetune.pretraining.mixture import Mixture
from codetune.pretraining.model import build_model
from codetune.pretraining.optimizer import make_optimizers
from codetune.pretraining.params import PretrainParams

_STEPS = 4
_TRIES = 3
# Without instructions for bfloat16 its products are emulated, a hundred times as slowly: small ones are enough.
_SQUARES = {torch.float32: 2048, torch.bfloat16: 512}


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
    )  # fmt: skip
    return Trainer(model=model, args=arguments, train_dataset=rows)


def _operations(model: LlamaForCausalLM, params: PretrainParams) -> float:
    """Multiplications and additions of one step, forward and backward, attention to what comes later left out."""
    weights = sum(value.numel() for value in model.parameters()) - model.model.embed_tokens.weight.numel()
    attention = 2 * params.layers * params.hidden_size * params.context // 2
    return float(6 * params.batch_tokens * (weights + attention))


def _peak(dtype: torch.dtype, size: int) -> float:
    """Multiplications and additions per second of a product of square matrices."""
    square = torch.randn(size, size).to(dtype)
    torch.mm(square, square)
    return float(2 * size**3) / min(seconds(lambda: torch.mm(square, square)) for _ in range(_TRIES))


def pretraining() -> None:
    """A few steps of the recipe in params.yaml."""
    params = load_section(PretrainParams, Path("params.yaml"))
    stream = _tokens(params)
    mixture = Mixture(stream, stream)
    model = build_model(params, 1, 0)
    optimizers = make_optimizers(model, params)
    plain = build_model(params, 1, 0)
    plain.set_attn_implementation("sdpa")
    train_step(model, optimizers, mixture, 0, params)
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(plain, stream, params, folder)
        compare(
            f"{_STEPS} pretraining steps, against transformers.Trainer",
            lambda: [train_step(model, optimizers, mixture, step, params) for step in range(_STEPS)],
            trainer.train,
        )
    fastest = min(seconds(lambda: train_step(model, optimizers, mixture, 0, params)) for _ in range(_TRIES))
    print(f"{'pretraining, tokens per second':58} {params.batch_tokens / fastest:5,.0f}")
    for dtype, size in _SQUARES.items():
        share = _operations(model, params) / fastest / _peak(dtype, size)
        print(f"{f'share of the measured {dtype} matrix peak, pretraining':58} {share:5.0%}")
